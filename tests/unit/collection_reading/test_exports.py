"""Exports of shops and sites are read without a mapping, from the table of exports."""

import csv
import io
import json

import pytest

from lambdas.collection.reading.exports import EXPORTS
from lambdas.collection.reading.schemas import choose_schema

EXPORT = pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.name)


@EXPORT
def test_the_columns_of_an_export_are_recognised(export):
    names, _ = csv.reader(io.StringIO(export.example))
    schema = choose_schema(names, None)
    assert {field: column for field, (column, *_) in schema.columns.items()} == export.columns


@EXPORT
@pytest.mark.parametrize("form", ["utf-8", "utf-16", "json"])
def test_the_example_of_an_export_is_read(read, export, form):
    names, values = csv.reader(io.StringIO(export.example))
    row = dict(zip(names, values, strict=True))
    got = read(json.dumps(row) if form == "json" else export.example.encode(form))
    (stored,) = got.rows
    assert stored["text"] == row[export.columns["text"]]
    assert (stored["rating"] is not None) == ("rating" in export.columns)
    assert stored["reviewed_at"] is not None
    assert (stored["reviewer_key"] is not None) == ("reviewer" in export.columns)
    for field in ("title", "product_id", "product_title", "category"):
        assert stored[field] == (row[export.columns[field]] if field in export.columns else None)
    assert set(got.dump.profile.details["unused_columns"]) == set(names) - set(
        export.columns.values()
    )


def test_unused_columns_and_missing_fields_are_reported(read):
    got = read("text,rating,colour\nFine,5,red\n")
    missing = ["review_id", "product_id", "product_title", "category", "brand", "reviewer"]
    missing += ["title", "date", "verified", "helpful_votes"]
    assert got.dump.warnings == [f"no column for {', '.join(missing)}; columns not used: 'colour'"]
    assert got.dump.profile.details["missing_fields"] == missing
    assert got.dump.profile.details["unused_columns"] == ["colour"]


def test_a_known_schema_uses_well_known_names_for_what_it_lacks(read):
    got = read(
        "reviewerID,asin,overall,reviewText,summary,date\nU1,B1,5,Kept its colour,Good,2014-05-21\n"
    )
    assert got.rows[0]["reviewed_at"].isoformat() == "2014-05-21T00:00:00+00:00"
    assert got.rows[0]["source"] == "amazon2014"


def test_the_better_of_two_columns_is_chosen():
    names = ["review", "review_text", "score", "rating", "date", "review_date", "helpful", "votes"]
    schema = choose_schema(names, None)
    assert schema.columns["text"] == ("review_text",)
    assert schema.columns["rating"] == ("rating",)
    assert schema.columns["date"] == ("review_date",)
    assert schema.columns["helpful_votes"] == ("votes",)
