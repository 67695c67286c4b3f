"""CSV and lines of JSON from the API: the entries of its answers, page by page."""

import csv
import io
import json
import re
from functools import partial

import pytest
from typer.testing import CliRunner

from lambdas.insights.api import create_app
from lambdas.insights.dependencies import Dependencies
from local.cli.main import build
from tests.functional.insights.reviews import on
from tests.functional.insights.test_client import served

LISTS = {
    "/products": "products", "/reviews": "reviews", "/movers": "movers", "/aspects": "aspects",
    "/trends": "points",
}  # fmt: skip


def rows_of(response):
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(response.text[1:], newline="")))


def next_page(response):
    match = re.fullmatch(r'<(.*)>; rel="next"', response.headers.get("link", ""))
    return match and match[1]


@pytest.mark.parametrize(("path", "name"), LISTS.items())
def test_a_table_has_the_entries_of_the_answer(http, shop, path, name):
    entries = http.get(path).json()[name]
    rows = rows_of(http.get(path, params={"format": "csv"}))
    assert len(rows) == len(entries)
    lines = http.get(path, params={"format": "ndjson"})
    assert lines.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    assert [json.loads(line) for line in lines.text.splitlines()] == entries
    for row, entry in zip(rows, entries, strict=True):
        for field, value in entry.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                assert float(row[field]) == value


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/json;q=0.5, text/csv;q=0.9", "text/csv"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("text/csv;q=0", "application/json"),
        ("text/csv;q=x", "application/json"),
    ],
)
def test_the_header_accept_chooses_the_format(http, shop, accept, kind):
    response = http.get("/products", headers={"accept": accept})
    assert response.headers["content-type"].split(";")[0] == kind


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_links_lead_through_all_pages(http, shop, form):
    url, ids = f"/reviews?source=s&limit=3&format={form}", []
    while url:
        response = http.get(url)
        lines = response.text.splitlines()
        ids += (
            [row["review_id"] for row in rows_of(response)]
            if form == "csv"
            else [json.loads(line)["review_id"] for line in lines]
        )
        url = next_page(response)
    assert sorted(ids) == ["r0", "r1", "r2", "r3", "r6", "r7", "r8", "r9"]


def test_texts_of_reviewers_are_no_formulas(http, fill):
    fill([on((2026, 1, 5), review_id="r", product_id="p", text='=HYPERLINK("http://x.example")')])
    (row,) = rows_of(http.get("/reviews?format=csv"))
    assert row["text"] == '\'=HYPERLINK("http://x.example")'


def test_an_unknown_format_is_refused_with_its_field(http):
    answer = http.get("/reviews?format=xlsx")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "format")


@pytest.fixture
def run(database):
    """Runs a command against the application; returns its result."""
    app = create_app(lambda: Dependencies(database))
    command = build(["export", "trends", "aspects"])
    with served(app) as url:
        yield lambda *words: CliRunner().invoke(command, [*words, "--api-url", url])


@pytest.fixture
def export(run):
    """Runs ``reviewlens export``."""
    return partial(run, "export")


def test_commands_print_their_table_as_csv(run, shop):
    rows = list(csv.DictReader(io.StringIO(run("trends", "--format", "csv").output, newline="")))
    assert [row["start"] for row in rows] == ["2026-01-01", "2026-02-01", "2026-03-01"]
    assert [row["reviews"] for row in rows] == ["6", "1", "2"]
    assert run("aspects", "--format", "csv").output.startswith("aspect,mentions,reviews,")


def test_the_command_writes_all_pages_to_a_file(export, shop, tmp_path, monkeypatch):
    monkeypatch.setattr("local.cli.export._PAGE", 3)
    path = tmp_path / "reviews.csv"
    result = export("reviews", "-o", str(path))
    assert result.exit_code == 0, result.output
    text = path.read_bytes().decode()
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text[1:], newline="")))
    assert sorted(row["review_id"] for row in rows) == [f"r{n}" for n in range(10)]
    for table in ("products", "movers", "aspects", "trends"):
        assert export(table).exit_code == 0
    lines = export("products", "--format", "ndjson", "--category", "Home").output.splitlines()
    assert [json.loads(line)["product_id"] for line in lines] == ["A/1"]


def test_the_command_names_what_it_cannot_do(export, shop, tmp_path):
    refused = export("movers", "--from", "2026-01-01")
    assert refused.exit_code == 2
    assert "movers cannot be filtered by first_day" in refused.output
    unwritable = export("products", "-o", str(tmp_path / "none" / "x.csv"))
    assert unwritable.exit_code == 1
    assert "No such file or directory" in unwritable.output
