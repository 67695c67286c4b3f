"""The batch store keeps every value as it is, and each review once."""

import math
from datetime import UTC

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.db.ingest.reviews import copy_rows, store_rejects, store_reviews
from shared.schemas.ingest import Reject, RejectReason
from shared.storage.shard_schemas import CLEAN_SCHEMA

NAMES = CLEAN_SCHEMA.names


def row(review_id, record, **values):
    given_values = {"review_id": review_id, "record": record, "source": "s", "text": "t", **values}
    return {name: given_values.get(name) for name in NAMES}


def store(database, ingest_id, made):
    with database.transaction() as connection:
        table = pa.Table.from_pylist(made, schema=CLEAN_SCHEMA)
        return store_reviews(connection, ingest_id, copy_rows(table)).to_pylist()


def test_the_first_of_equal_rows_is_kept(database, rows):
    owned = store(database, "i", [row("b", 2), row("a", 3, text="later"), row("a", 1, text="x")])
    assert owned == [1, 2]
    assert rows("SELECT review_id, record, text FROM reviews ORDER BY 1") == [
        ("a", 1, "x"),
        ("b", 2, "t"),
    ]


def test_asked_again_the_answer_is_the_same(database, rows):
    batch = [row("a", 1), row("b", 2), row("a", 3)]
    assert store(database, "i", batch) == store(database, "i", batch) == [1, 2]
    assert rows("SELECT count(*) FROM reviews") == [(2,)]


def test_rows_of_another_ingest_are_duplicates(database):
    store(database, "one", [row("a", 1), row("b", 2)])
    assert store(database, "two", [row("b", 1), row("c", 2), row("a", 3)]) == [2]


def test_the_same_review_in_a_later_batch_of_the_same_ingest_is_a_duplicate(database):
    store(database, "i", [row("a", 1)])
    assert store(database, "i", [row("a", 2), row("b", 3)]) == [3]


def test_an_empty_batch_stores_nothing(database):
    assert store(database, "i", []) == []


def test_products_are_made_once_and_their_gaps_filled(database, rows):
    store(database, "i", [row("a", 1, product_id="p"), row("b", 2, product_id="q")])
    titled = {"product_id": "p", "product_title": "Pen", "category": None}
    store(database, "j", [row("c", 1, **titled), row("d", 2, product_id="q", category="Office")])
    store(database, "k", [row("e", 1, product_id="p", product_title="Another name", brand="Lumen")])
    assert rows("SELECT * FROM products ORDER BY 1") == [
        ("p", "Pen", None, "Lumen", {"title": "j", "brand": "k"}),
        ("q", None, "Office", None, {"category": "j"}),
    ]


hostile = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
hostile |= st.sampled_from(["", '"', '""', "\\.", "a\n\\.\nb", "\\N", "NULL", ",", "\r\n", "é\t'"])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=hostile,
    title=st.none() | hostile,
    original=st.none() | hostile,
    rating=st.none() | st.floats(1, 5, width=32),
    when=st.none() | st.datetimes(timezones=st.just(UTC)),
    verified=st.none() | st.booleans(),
    votes=st.none() | st.integers(-(2**31), 2**31 - 1),
)
def test_every_value_comes_back(
    database, rows, empty_tables, text, title, original, rating, when, verified, votes
):
    empty_tables()
    made = row(
        "r", 1, text=text, title=title, original_text=original, rating=rating, reviewed_at=when,
        verified=verified, helpful_votes=votes,
    )  # fmt: skip
    store(database, "i", [made, row("other", 2)])
    (got,) = rows(
        "SELECT text, title, original_text, rating, reviewed_at, verified, helpful_votes"
        " FROM reviews WHERE review_id = 'r'"
    )
    assert got[:3] == (_dotted(text), _dotted(title), _dotted(original))
    assert got[3] is None if rating is None else math.isclose(got[3], rating, rel_tol=1e-6)
    assert got[4:] == (when, verified, votes)


def _dotted(text):
    # the one change: older servers would take the line for the end of the data
    return text and text.replace("\n\\.", "\n \\.")


def test_a_nul_does_not_lose_the_row(database, rows):
    store(database, "i", [row("a", 1, original_text="x\0y")])
    assert rows("SELECT original_text FROM reviews") == [("x\ufffdy",)]


@pytest.mark.parametrize("raw", ["plain", "", "x\0y", "\ud800", 'q"\\,\n'])
def test_rejects_are_kept_once_whatever_they_say(database, rows, raw):
    reject = Reject(
        file="f.csv", line=None, record=7, reason=RejectReason.MALFORMED, detail="d", raw=raw
    )
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO ingests (ingest_id, bucket, key, etag, status)"
            " VALUES ('i', 'b', 'k', 'e', 'collecting')"
        )
        store_rejects(connection, "i", [reject])
        store_rejects(connection, "i", [reject])
        store_rejects(connection, "i", [])
    expected = raw.replace("\0", "\ufffd").replace("\ud800", "?")
    assert rows("SELECT record, line, reason, raw FROM rejects") == [
        (7, None, "malformed_record", expected)
    ]
