"""Missing values: what programs write for them is missing in every field of every format."""

import io
import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.collection.reading.values import parse_identifier, parse_name

WORDS = ["NaN", "nan", "NaT", "NA", "N/A", "NULL", "null", "\\N", "None", "-", "<NA>", " NULL "]
FIELDS = ["title", "product_id", "product_title", "category", "reviewer", "date", "verified",
          "helpful_votes", "rating"]  # fmt: skip
STORED = ["title", "product_id", "product_title", "category", "reviewer_key", "reviewed_at",
          "verified", "helpful_votes", "rating"]  # fmt: skip


def assert_only_text(got, count):
    assert got.rejects == []
    assert len(got.rows) == count
    for row in got.rows:
        assert [row[name] for name in STORED] == [None] * len(STORED)
    assert not [w for w in got.dump.warnings if "dates" in w or "ratings" in w]


def test_missing_words_of_csv(read):
    lines = [",".join([f"Good cover {n}", *[word] * len(FIELDS)]) for n, word in enumerate(WORDS)]
    assert_only_text(read("\n".join([",".join(["text", *FIELDS]), *lines])), len(WORDS))


@pytest.mark.parametrize("value", [None, math.nan, "NaN", *WORDS])
def test_missing_values_of_json(read, value):
    rows = [{"text": f"Good cover {n}", **dict.fromkeys(FIELDS, value)} for n in range(3)]
    assert_only_text(read("\n".join(map(json.dumps, rows))), 3)


def test_columns_of_nan_in_parquet(read):
    columns = {"text": ["Nice mat", "Bad smell"], **{name: [math.nan] * 2 for name in FIELDS}}
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    assert_only_text(read(file.getvalue()), 2)


@pytest.mark.parametrize("text", [*WORDS, math.nan, None])
def test_a_missing_word_is_no_text(read, text):
    got = read(json.dumps({"text": text, "rating": 5}) + '\n{"text": "Fine", "rating": 5}')
    assert got.reasons == [(1, "text_missing")]


def test_text_that_begins_with_a_missing_word_stays(read):
    texts = ["Nan bread is great", "None of it fits", "N/A for me, thanks", "- cheap - good"]
    got = read("\n".join(json.dumps({"text": text}) for text in texts))
    assert got.texts == texts


@pytest.mark.parametrize(
    ("value", "identifier"),
    [
        (12345.0, "12345"),
        ("12345.0", "12345"),
        (9007199254740993, "9007199254740993"),
        ("0439023483", "0439023483"),
        (1.5, "1.5"),
        ("1.5", "1.5"),
        ("v1.0", "v1.0"),
        ({"$oid": "5f00"}, "5f00"),
        ({"$numberLong": "12"}, "12"),
        (math.inf, None),
        ([1], None),
        ({"a": 1}, None),
    ],
)
def test_identifiers(value, identifier):
    assert parse_identifier(value) == identifier


def test_names_keep_their_text():
    assert parse_name("3.0") == "3.0"
    assert parse_name(3.0) == "3"


@pytest.mark.parametrize("indent", [None, 1])
def test_integers_beyond_64_bits_keep_their_digits(read, indent):
    ids = [900719925474099312345678, 9007199254740993, 18446744073709551616, 2**64 - 1]
    rows = [{"product_id": number, "text": f"Fine {number}"} for number in ids]
    body = json.dumps(rows, indent=indent) if indent else "\n".join(map(json.dumps, rows))
    assert [row["product_id"] for row in read(body).rows] == [str(number) for number in ids]


def test_mongodb_values_are_read(read):
    body = (
        '{"_id": {"$oid": "5f00"}, "asin": "B7", "overall": {"$numberDouble": "1.0"}, '
        '"reviewText": "Leaks", "reviewerID": {"$numberLong": "77"}, "vote": {"$numberInt": "3"}, '
        '"unixReviewTime": {"$numberDouble": "NaN"}, "reviewTime": %s}\n'
    )
    dates = [
        '{"$date": "2014-05-13T00:00:00Z"}',
        '{"$date": 1399939200000}',
        '{"$date": {"$numberLong": "1399939200000"}}',
    ]
    rows = read("".join(body % date for date in dates)).rows
    assert {(row["rating"], row["product_id"], row["helpful_votes"]) for row in rows} == {
        (1.0, "B7", 3)
    }
    assert len({row["reviewer_key"] for row in rows} - {None}) == 1
    assert {row["reviewed_at"].isoformat() for row in rows} == {"2014-05-13T00:00:00+00:00"}
