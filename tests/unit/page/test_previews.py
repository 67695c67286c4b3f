"""What a visitor sees of a file before it is uploaded."""

import base64
import json

import pytest

from frontend_space.backend import RemoteBackend
from frontend_space.page import build
from frontend_space.previews import details, headline, problem_html, request_preview
from frontend_space.problems import PageError
from frontend_space.settings import PageSettings
from reviewlens import Client, Retry
from reviewlens.models import PREVIEW_BYTES
from tests.answers import preview, reject
from tests.clients import scripted_server

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def server():
    with scripted_server() as server:
        yield server


@pytest.fixture
def client(server):
    with Client(server.url, retry=Retry(attempts=1)) as client:
        yield client


def test_only_the_beginning_of_a_large_file_is_sent(server, client, tmp_path):
    path = tmp_path / "large.csv"
    path.write_bytes(b"text\n" + b"x\n" * PREVIEW_BYTES)
    server.answers = [(200, preview().model_dump(mode="json"))]
    request_preview(client, path, {"text": "x"})
    body = json.loads(server.requests[0][3])
    assert body["bytes"] == path.stat().st_size
    assert base64.b64decode(body["content"]) == path.read_bytes()[:PREVIEW_BYTES]
    assert body["mapping"] == {"text": "x"}


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (422, "preview_unavailable", "There is no preview of this file: Parquet files and Excel"),
        (404, "route_not_found", "This server shows no preview"),
        (403, "forbidden", "This server shows no preview"),
    ],
)
def test_a_file_without_a_preview_can_be_uploaded(server, client, tmp_path, status, code, sentence):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1")
    problem = {"title": "x", "status": status, "code": code, "detail": "x"}
    server.answers = [(status, problem)]
    with pytest.raises(Exception, match="POST /uploads/preview") as caught:
        request_preview(client, path, None)
    html = problem_html(caught.value)
    assert sentence in html
    assert "can be uploaded all the same" in html


def test_an_empty_file_is_named(client, tmp_path):
    path = tmp_path / "empty.csv"
    path.write_bytes(b"")
    with pytest.raises(PageError, match="empty"):
        request_preview(client, path, None)


def test_the_counts_are_one_sentence():
    assert (
        "Preview of 12 rows: 9 would be stored, 2 are duplicates, 1 would be refused. "
        "Nothing is uploaded yet."
    ) in headline(preview(rows_read=12, stored=9, duplicates=2, rejected=1))
    assert "Preview of the first 9 rows" in headline(preview(rows_read=9, is_complete=False))


def test_an_unknown_column_is_asked_for():
    detail = "no column is known to hold the text; the columns are 'a', 'b'. Map them with --map"
    unknown = preview(error_code="schema_unknown", error_detail=detail)
    assert "Choose the columns below: no column is known to hold the text." in headline(unknown)
    assert "--map" not in headline(unknown)
    assert details(unknown) == ""


def test_the_details_show_what_was_recognised():
    html = details(
        preview(
            format="csv",
            compression="gzip",
            encoding="utf-8",
            dump_schema="mapped",
            source="shop",
            mapping={"text": ["Body"], "title": ["sku", "asin"]},
            unused_columns=["Colour"],
            details={
                "rating_scale": {
                    "scale": "1..10",
                    "decided_on": "sample",
                    "evidence": "9 ratings from 1 to 10",
                    "doubt": False,
                }
            },
            languages={"en": 7, "de": 2},
            stored=9,
            rows=[{"text": "Warm.", "rating": 4.0, "reviewed_at": "2026-03-16T00:00:00Z"}],
            rejected=3,
            rejects=[reject(line=1234, detail="no text is left", raw=",3")],
            warnings=["2 dates could not be read", "no column for title"],
        )
    )
    for part in (
        "csv, gzip, utf-8",
        "shop",
        "text ← Body, title ← sku or asin",
        "Colour",
        "1..10 (decided from 9 ratings from 1 to 10)",
        "en 7, de 2",
        ">Warm.<",
        ">4<",
        ">2026-03-16<",
        "1,234",
        "the first 1 of 3",
        "2 dates could not be read.",
    ):
        assert part in html, part
    assert "no column for title" not in html


def test_a_file_is_shown_as_text():
    html = details(
        preview(
            rows=[{"text": EVIL}],
            mapping={"text": [EVIL]},
            unused_columns=[EVIL],
            rejects=[reject(raw=EVIL)],
            warnings=[EVIL],
            source=EVIL,
            languages={EVIL: 1},
        )
    )
    assert html.count("&lt;script&gt;") >= 6
    assert "<script" not in html


def test_every_field_has_a_list(client):
    page = build(RemoteBackend(client), PageSettings())
    ids = {part["props"].get("elem_id") for part in page.get_config_file()["components"]}
    assert {"column-text", "column-rating", "column-verified", "column-source"} <= ids
