"""Stored reviews get the sentiment of a second model where the first is not sure."""

import io
from dataclasses import replace

import numpy as np
import pytest

from lambdas.processing.dependencies import Model
from lambdas.processing.service import Processor
from shared.db.ingest.analyses import read_probabilities
from shared.errors import NotFoundError
from shared.runtime.cascade import SecondModel
from shared.runtime.encoder import open_folder
from shared.storage import layout
from shared.storage.shards import read_served
from tests.ingests import store_shard
from tests.models import neutral_model, opened_model

TEXTS = (
    "I love it, the best purchase I have made this year!",
    "It came in a box.",
    "Der Reißverschluss ist nach zwei Tagen kaputt gegangen, sehr schlechte Qualität.",
)


@pytest.fixture(scope="module")
def neutral(tmp_path_factory):
    """A second model that finds every text neutral."""
    return open_folder(neutral_model(tmp_path_factory.mktemp("second") / "model", "second-1"))


@pytest.fixture
def process(dependencies, ledger):
    """``process(second)``: the stored analyses by review, and the shard that is served."""

    def run(second):
        ingest_id = ledger.receive("raw", "uploads/boxes", "etag")
        ledger.start(ingest_id)
        rows = [
            {"review_id": f"r{n}", "record": n + 1, "source": "t", "text": text}
            for n, text in enumerate(TEXTS)
        ]
        stores = dependencies.database, dependencies.clean
        message = store_shard(*stores, ingest_id, 0, rows, fingerprint="f")
        ledger.finish(ingest_id)
        model = Model(opened_model(), "m1")
        Processor(replace(dependencies, current_model=lambda: model, second=second)).process(
            message
        )
        with dependencies.database.transaction() as connection:
            analyses = connection.execute(
                "SELECT sentiment, sentiment_model, confidence FROM analyses ORDER BY review_id"
            ).fetchall()
            probabilities = read_probabilities(connection, "m1", ["r0", "r1", "r2"])
        place = ("m1", ingest_id, 0)
        served = read_served(dependencies.artefacts, layout.analysis_shard(*place))
        vectors = dependencies.artefacts.get(layout.embedding_shard(*place))[0]
        return analyses, probabilities, served, vectors

    return run


def test_unsure_reviews_are_decided_by_the_second_model(process, neutral):
    second = SecondModel("second-1", None, lambda: neutral)
    analyses, probabilities, served, vectors = process(second)
    assert [row[:2] for row in analyses[:2]] == [("positive", None), ("neutral", "second-1")]
    assert analyses[2][1] is None, "it is not asked about a text that the first does not understand"
    assert served["sentiment"].to_pylist()[:2] == ["positive", "neutral"]
    np.testing.assert_allclose(served["confidence"].to_pylist(), [row[2] for row in analyses])
    assert None not in probabilities[0][:3]
    assert set(probabilities[1]) == {None}, "an adapted model must not correct them"
    expected = opened_model().encode(TEXTS).embeddings.astype(np.float16)
    np.testing.assert_array_equal(np.load(io.BytesIO(vectors)), expected)


def test_a_second_model_that_cannot_be_used_leaves_the_sentiments_of_the_first(process, caplog):
    def missing():
        raise NotFoundError("there is no model second-1")

    analyses, *_ = process(SecondModel("second-1", None, missing))
    assert [row[1] for row in analyses] == [None, None, None]
    assert "the second model second-1 cannot be used: there is no model second-1" in caplog.text
