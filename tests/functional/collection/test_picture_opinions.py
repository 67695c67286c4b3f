"""What pictures of reviews say: stored with their batch, replaced and removed with it."""

from dataclasses import replace

import numpy as np
import pytest

from lambdas.review_pictures.embedder import Embedder
from shared.db.ingest.picture_opinions import store_opinions
from shared.storage import layout
from tests.functional.collection.pictured import collected, url, work


def by_brightness(vectors):
    """The fake encoder's pictures are negative, /other is positive."""
    return ["negative" if row[0] > 0.4 else "positive" for row in vectors.tolist()]


@pytest.fixture
def judging(worker, encoder):
    """The worker beside a model with a fusion head."""
    return replace(worker, embedder=lambda: Embedder("m1", encoder.encode, by_brightness))


@pytest.fixture
def said(pictured):
    """``said()``: what is stored, by the name of the reviewer."""

    def read():
        with pictured.dependencies.database.transaction() as connection:
            rows = connection.execute(
                "SELECT r.record, o.sentiment FROM picture_opinions AS o"
                " JOIN reviews AS r USING (review_id, ingest_id) ORDER BY r.record"
            )
            return dict(rows.fetchall())

    return read


def test_a_review_says_what_its_pictures_agree_on(pictured, judging, said):
    urls = [url("1")], [url("other"), url("other")], [url("1"), url("other")], [url("bad")], []
    _, messages = collected(pictured, *urls)
    for _ in range(2):
        work(judging, pictured.dependencies, messages)
        assert said() == {1: "negative", 2: "positive"}


def test_an_opinion_is_that_of_the_last_model_that_embedded_the_batch(
    pictured, judging, worker, encoder, said
):
    _, messages = collected(pictured, [url("1")], [url("other")])
    work(judging, pictured.dependencies, messages)
    assert said() == {1: "negative", 2: "positive"}
    second = Embedder("m2", encoder.encode, lambda rows: [None, *["negative"] * (len(rows) - 1)])
    work(replace(worker, embedder=lambda: second), pictured.dependencies, messages)
    assert said() == {2: "negative"}
    plain = Embedder("m3", encoder.encode)
    work(replace(worker, embedder=lambda: plain), pictured.dependencies, messages)
    assert said() == {}


def test_vectors_of_a_batch_are_enough_to_say_it(pictured, worker, judging, encoder, said):
    _, messages = collected(pictured, [url("1")])
    work(worker, pictured.dependencies, messages)
    assert said() == {}
    work(judging, pictured.dependencies, messages)
    assert said() == {1: "negative"}
    assert (len(worker.reader.urls), encoder.calls) == (1, 1)


def test_damaged_vectors_say_nothing_and_the_batch_is_counted(pictured, judging, said):
    ingest_id, messages = collected(pictured, [url("1")])
    work(judging, pictured.dependencies, messages)
    key = layout.picture_vectors(ingest_id, "m1", messages[0].first)
    pictured.dependencies.artefacts.put(key, b"damaged")
    work(judging, pictured.dependencies, messages)
    assert said() == {}
    assert pictured.dependencies.ledger.report(ingest_id).pictures.fetched == 1


def test_an_opinion_goes_with_its_review(pictured, judging, said):
    _, messages = collected(pictured, [url("1")], [url("other")])
    work(judging, pictured.dependencies, messages)
    with pictured.dependencies.database.transaction() as connection:
        connection.execute("DELETE FROM reviews WHERE record = 1")
    assert said() == {2: "positive"}
    work(judging, pictured.dependencies, messages)
    assert said() == {2: "positive"}, "a message that returns brings nothing back"


def test_a_review_of_another_batch_is_left_alone(pictured, judging, said):
    ingest_id, messages = collected(pictured, [url("1")], [url("other")], [])
    work(judging, pictured.dependencies, messages)
    with pictured.dependencies.database.transaction() as connection:
        ids = dict(connection.execute("SELECT record, review_id FROM reviews").fetchall())
        opinions = {ids[1]: "positive", ids[3]: "positive", "unknown": "negative"}
        store_opinions(connection, ingest_id, 99, opinions)
        assert np.array_equal(list(said().values()), ["negative", "positive"])
        store_opinions(connection, ingest_id, messages[0].first, opinions)
    assert said() == {1: "positive"}, "record 3 has no picture"
