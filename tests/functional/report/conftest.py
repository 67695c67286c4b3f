"""A shop with a planted problem, served as by the API, and the command that reports on it."""

import json
import os
from contextlib import contextmanager
from datetime import date, timedelta
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from local.cli.main import application
from local.state import FolderLock, RunningStack, StateFolder
from tests.functional.report.contract_server import Shop, change, serve

BROKE = date(2026, 3, 16)
"""The day since which the hinge of the headphones breaks."""
QUOTE = "The hinge snapped after three weeks & nobody answers."


@pytest.fixture
def shop():
    """The answers of a server, for a test to change."""
    return planted()


def planted():
    """Two products; the hinge of one breaks since a day in March."""
    made = Shop()
    made.add_product("RL-1", "Wren Folding Headphones", "Audio")
    made.add_product("RL/2", "Kettle", "Kitchen")
    for week in range(24):
        day = date(2026, 1, 5) + timedelta(weeks=week)
        bad = day >= BROKE
        for number in range(4):
            blamed = number < (3 if bad else 1)
            made.add(
                "RL-1",
                f"{QUOTE} Week {week}, number {number}."
                if blamed
                else f"Lovely sound, week {week}.",
                day=day + timedelta(days=number),
                sentiment="negative" if blamed else ("positive", "neutral")[number == 3],
                rating=1.0 if blamed else 5.0,
                source=("shop", "market")[number % 2],
            )
        made.add("RL/2", f"Boils fast, {week}.", day=day, sentiment="positive", rating=4.0)
    made.add("RL-1", "No day is known of this one.", day=None, sentiment="neutral", rating=3.0)
    made.add(
        "RL-1", "Terrible, it broke at once and hurt my ear.", day=date(2026, 5, 1),
        sentiment="negative", rating=5.0, mismatch="stars_above_text", confidence=0.99,
    )  # fmt: skip
    made.changes = {"RL-1": change("RL-1", BROKE, 0.25, 0.75)}
    made.aspects = [
        {
            "aspect": "folding hinge",
            "mentions": 61,
            "reviews": 57,
            "sentiment_shares": {"negative": 0.9, "neutral": 0.0, "positive": 0.1},
            "negative_share": 0.9,
            "net_sentiment": -80.0,
            "reviews_link": "/reviews?aspect=folding+hinge",
            "quotes": [
                {
                    "text": QUOTE,
                    "review_id": "r00001",
                    "sentiment": "negative",
                    "rating": 1.0,
                    "reviewed_at": "2026-03-20T12:00:00Z",
                }
            ],
        },
        {
            "aspect": "sound",
            "mentions": 40,
            "reviews": 39,
            "sentiment_shares": {"negative": 0.1, "neutral": 0.2, "positive": 0.7},
            "negative_share": 0.1,
            "net_sentiment": 60.0,
            "quotes": [],
            "reviews_link": "/reviews?aspect=sound",
        },
    ]
    made.groups = [
        {
            "kind": "near",
            "text": "Best headphones ever, buy them now.",
            "reviews": 4,
            "products": 1,
            "reviewers": 3,
            "first_day": "2026-02-01",
            "last_day": "2026-02-03",
            "review_ids": ["r1", "r2"],
        }
    ]
    made.pending = 2
    return made


@pytest.fixture
def report(tmp_path, shop):
    """``report("--product", …, to="r.html")``: the command on a stack that serves the shop."""
    with reporting(shop, tmp_path) as run:
        yield run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The report on the headphones: text of the page, bytes of the PDF."""
    with reporting(planted(), tmp_path_factory.mktemp("made")) as run:
        page, paper = (run("--product", "RL-1", to=name) for name in ("r.html", "r.pdf"))
    return Made(page, paper)


class Made(NamedTuple):
    html: str
    pdf: bytes


@contextmanager
def reporting(shop, folder):
    """A function that runs the command with its files in a folder."""
    state = StateFolder(folder / "state")
    state.create()
    server = serve(shop)
    port = server.server_address[1]

    def run(*arguments, to="report.html", expect=0):
        path = folder / to
        command = ["report", *arguments, "--state", str(state.root), "-o", str(path)]
        done = CliRunner().invoke(application, command)
        assert done.exit_code == expect, done.output
        if expect:
            assert "Traceback" not in done.output
            return done.output
        if "--json" in arguments:
            return json.loads(done.stdout)
        return path.read_bytes() if path.suffix == ".pdf" else path.read_text()

    try:
        with FolderLock(state.root):
            state.announce(RunningStack(os.getpid(), "test", port, port, port, {}))
            yield run
    finally:
        server.shutdown()
        server.server_close()
