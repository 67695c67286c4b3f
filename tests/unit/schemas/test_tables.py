"""Answers as tables: columns, nested fields, and cells that a spreadsheet must not run."""

import csv
import io
from datetime import date, datetime

import pytest
from pydantic import BaseModel

from shared.schemas.aspects import Aspect
from shared.schemas.insights import Mover, Point, Product, StoredReview
from shared.schemas.tables import columns, csv_lines, ndjson_lines, typed_rows


class Inner(BaseModel):
    share: float | None = None


class Row(BaseModel):
    text: str | None
    count: int = 0
    inner: Inner | None = None
    flag: bool | None = None
    quotes: list[str] = []


def read(*rows):
    return list(csv.DictReader(io.StringIO("".join(csv_lines(rows, Row)), newline="")))


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", '=HYPERLINK("http://x","y")',
     "\uff1d1"],
)  # fmt: skip
def test_a_text_that_would_run_as_a_formula_begins_with_an_apostrophe(text):
    (row,) = read(Row(text=text))
    assert row["text"] == "'" + text


@pytest.mark.parametrize(
    "text", ["a=1", "'", "1-2", 'He said "no",\r\nthen left', "ü 😊", "", None]
)
def test_other_texts_stay_as_they_are(text):
    (row,) = read(Row(text=text))
    assert row["text"] == (text or "")


def test_nested_fields_are_columns_and_lists_are_left_out():
    rows = read(
        Row(text="a", count=-3, inner=Inner(share=-0.5), flag=True, quotes=["q"]), Row(text="b")
    )
    assert rows == [
        {"text": "a", "count": "-3", "inner_share": "-0.5", "flag": "true"},
        {"text": "b", "count": "0", "inner_share": "", "flag": ""},
    ]
    assert read() == []
    assert "".join(csv_lines([], Row)) == "text,count,inner_share,flag\r\n"


@pytest.mark.parametrize("model", [Aspect, Mover, Point, Product, StoredReview])
def test_the_columns_of_a_table_have_different_names(model):
    names = [column.name for column in columns(model)]
    assert len(set(names)) == len(names) > 5


def test_columns_have_the_kinds_of_their_fields():
    kinds = {column.name: column.kind for column in columns(StoredReview)}
    assert kinds["reviewed_at"] is datetime
    assert kinds["sentiment"] is kinds["mismatch"] is kinds["text"] is str
    assert kinds["mixed"] is bool
    assert kinds["pictures"] is kinds["helpful_votes"] is int
    assert {column.name: column.kind for column in columns(Point)}["start"] is date


def test_typed_rows_have_the_values_of_the_columns():
    row = Row(text="=1", count=2, inner=Inner(share=0.5), flag=False)
    assert list(typed_rows([row, Row(text=None)], Row)) == [
        ["=1", 2, 0.5, False],
        [None, 0, None, None],
    ]
    assert [column.kind for column in columns(Row)] == [str, int, float, bool]


def test_lines_of_json_are_the_objects_of_an_answer():
    assert list(ndjson_lines([Row(text="=1\n")])) == [Row(text="=1\n").model_dump_json() + "\n"]
