"""CSV and lines of JSON from the API: the entries of its answers, page by page."""

import csv
import io
import json
import re
from datetime import date
from functools import partial

import openpyxl
import pytest
from pyarrow import parquet
from pyarrow.types import is_boolean, is_floating, is_integer, is_string
from pydantic import BaseModel
from typer.testing import CliRunner

from lambdas.insights.api import create_app
from lambdas.insights.dependencies import Dependencies
from local.cli.main import build
from local.cli.table_files import FileFormat, write_table
from local.errors import LocalStackError
from tests.functional.insights.reviews import on
from tests.functional.insights.test_client import served

LISTS = {
    "/products": "products", "/reviews": "reviews", "/movers": "movers", "/aspects": "aspects",
    "/trends": "points",
}  # fmt: skip


class Entry(BaseModel):
    day: date
    text: str


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


def test_a_workbook_has_days_and_numbers_and_runs_no_text(export, fill, tmp_path):
    formula, long, odd = '=HYPERLINK("http://x.example")', "é😊" * 20_000, "bell \x07 \ufffe"
    fill(
        [
            on((2026, 1, 5), review_id=name, product_id="p", rating=2, text=text)
            for name, text in {"a": formula, "b": long, "c": odd}.items()
        ]
    )
    path = tmp_path / "reviews.xlsx"
    result = export("reviews", "-o", str(path))
    assert result.exit_code == 0, result.output
    assert "1 texts were cut" in result.output
    sheet = openpyxl.load_workbook(path).active
    names = [cell.value for cell in sheet[1]]
    rows = {row[0].value: dict(zip(names, row, strict=True)) for row in sheet.iter_rows(min_row=2)}
    assert (rows["a"]["text"].value, rows["a"]["text"].data_type) == (formula, "s")
    assert rows["a"]["rating"].value == 2
    assert rows["a"]["reviewed_at"].value.date() == date(2026, 1, 5)
    assert rows["b"]["text"].value == "é😊" * 10_922 + "…"
    assert rows["c"]["text"].value == "bell \ufffd \ufffd"


def test_a_full_sheet_of_a_workbook_is_followed_by_another(export, shop, tmp_path, monkeypatch):
    monkeypatch.setattr("local.cli.table_files.SHEET_ROWS", 5)
    path = tmp_path / "reviews.xlsx"
    assert export("reviews", "-o", str(path)).exit_code == 0
    sheets = openpyxl.load_workbook(path).worksheets
    assert [sheet.max_row for sheet in sheets] == [5, 5, 3]
    ids = {row[0].value for sheet in sheets for row in sheet.iter_rows(min_row=2)}
    assert ids == {f"r{n}" for n in range(10)}


@pytest.mark.parametrize("path", ["/products", "/reviews", "/trends"])
def test_parquet_has_the_entries_with_their_types(http, export, shop, tmp_path, path):
    file = tmp_path / "table.parquet"
    assert export(path[1:], "-o", str(file)).exit_code == 0
    table = parquet.read_table(file)
    entries = http.get(path).json()[LISTS[path]]
    assert table.num_rows == len(entries) > 0
    types = {field.name: field.type for field in table.schema}
    kinds = {int: is_integer, float: is_floating, str: is_string}
    for row, entry in zip(table.to_pylist(), entries, strict=True):
        for field in types.keys() & entry.keys():
            value = row[field]
            if isinstance(value, date):
                assert entry[field].startswith(value.isoformat()[:10])
            else:
                assert value == entry[field]
                assert kinds.get(type(value), is_boolean)(types[field]) or value is None


def test_an_empty_table_is_a_file_with_columns(export, tmp_path):
    for name in ("none.parquet", "none.xlsx", "none.csv", "none.ndjson"):
        assert export("reviews", "-o", str(tmp_path / name)).exit_code == 0
    assert parquet.read_table(tmp_path / "none.parquet").column_names[0] == "review_id"
    sheet = openpyxl.load_workbook(tmp_path / "none.xlsx").active
    assert sheet["A1"].value == "review_id"
    assert (tmp_path / "none.ndjson").read_text() == ""


@pytest.mark.parametrize("file_format", list(FileFormat))
def test_a_table_that_cannot_be_finished_leaves_the_old_file(tmp_path, file_format):
    def broken():
        yield Entry(day=date(2026, 1, 5), text="=1")
        raise OSError(28, "No space left on device")

    path = tmp_path / "trends"
    path.write_text("old")
    with pytest.raises(LocalStackError, match="trends: No space left on device"):
        write_table(path, broken(), Entry, file_format)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_command_names_what_it_cannot_do(export, shop, tmp_path):
    refused = export("movers", "--from", "2026-01-01")
    assert refused.exit_code == 2
    assert "movers cannot be filtered by first_day" in refused.output
    piped = export("products", "--format", "xlsx")
    assert (piped.exit_code, "xlsx needs a file: add --output" in piped.output) == (2, True)
    unwritable = export("products", "-o", str(tmp_path / "none" / "x.csv"))
    assert unwritable.exit_code == 1
    assert "No such file or directory" in unwritable.output
