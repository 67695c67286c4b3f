"""A dump without a source of its own is named after its file."""

import io

import pytest

from lambdas.collection.reading import ReadOptions, read_dump
from lambdas.collection.reading.naming import source_of


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("reviews.csv", "reviews"),
        ("uploads/2024/Shop Reviews.CSV.gz", "shop-reviews"),
        ("uploads/web/2026-11-29-0f3cafe012345678/Kühl_schränke.jsonl", "kühl-schränke"),
        ("uploads/kettles-3f2504e0-4f89-11d3-9a0c-0305e82c3301.json", "kettles"),
        ("uploads/reviews.2024.parquet", "reviews-2024"),
        ("uploads/decade.csv", "decade"),
        ("uploads/.csv", "dump"),
        ("uploads/!!!.csv", "dump"),
        ("uploads/0123456789abcdef0123.csv", "dump"),
        (f"uploads/{'long ' * 60}.csv", ("long-" * 20)[:-1]),
    ],
)
def test_a_source_is_the_file_name_without_folders_ids_and_extensions(name, source):
    assert source_of(name) == source


def rows_of(name, body, mapping=None):
    dump = read_dump(io.BytesIO(body), name=name, options=ReadOptions(mapping=mapping))
    return [row for batch in dump for row in batch.table.to_pylist()]


def test_two_files_with_the_same_rows_have_the_same_review_ids():
    body = b"review_id,text,rating\n1,Fine and warm.,5\n2,Cold at once.,2\n"
    first, second = rows_of("uploads/a/north.csv", body), rows_of("uploads/south.csv", body)
    assert {row["source"] for row in first} == {"north"}
    assert {row["source"] for row in second} == {"south"}
    assert [row["review_id"] for row in first] == [row["review_id"] for row in second]


def test_a_constant_and_a_known_schema_keep_their_source():
    body = b"text,rating\nFine.,5\n"
    mapping = {"text": "text", "source": "my shop"}
    assert rows_of("uploads/a.csv", body, mapping)[0]["source"] == "my shop"
    body = b'{"reviewText": "Fine.", "overall": 5, "asin": "B1", "reviewerID": "R1"}\n'
    assert rows_of("uploads/a.json", body)[0]["source"] == "amazon2014"
