"""Scores of an adapted model derived from stored ones equal those of encoding the reviews."""

import json
from dataclasses import replace

import numpy as np
import pytest

from sagemaker_jobs.activate.activation import activate
from sagemaker_jobs.adapt.config import AdaptConfig
from sagemaker_jobs.adapt.job import run
from sagemaker_jobs.score.reuse import open_reuse
from shared.db.ingest.adoption import processed_shards
from shared.index.build import build_index
from shared.runtime.cascade import SecondModel
from shared.runtime.decisions import decide
from shared.runtime.encoder import open_folder
from shared.storage import artefacts, layout, registry
from shared.storage.shards import read_clean
from tests.functional.registry.conftest import ReviewSystem
from tests.models import neutral_model
from tests.sauces import HURTS, PLAIN, SOOTHES, sauces, tiny_model

BASE = "tiny-1-0a1b2c3d"


class CountingEncoder:
    """Counts the texts that it encodes."""

    def __init__(self, folder):
        self._encoder = open_folder(folder)
        self.version = self._encoder.version
        self.decisions = self._encoder.decisions
        self.encoded = 0

    def encode(self, texts):
        self.encoded += len(texts)
        return self._encoder.encode(texts)


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """The tiny model, one adapted to sauces, and one adapted from that one."""
    root = tmp_path_factory.mktemp("models")
    review = {"temperature": 0.8, "negative_bias": -0.7, "neutral_bias": 0.2}
    rules = {"review": {**review, "neutral_factor": 1.3, "sure_above": 0.6}}
    models = [tiny_model(root / "0", decisions=rules)]
    for number, rows in ((1, 80), (2, 60)):
        texts, stars = sauces(rows, seed=number)
        ratings = [6 - each for each in stars] if number == 2 else stars
        config = AdaptConfig(model_dir=models[-1], output_dir=root / str(number), seed=number)
        assert run(config, texts, ratings)["version"] is not None
        models.append(root / str(number))
    return models


@pytest.fixture
def sauce_system(database, tmp_path, folders):
    """The tiny model is current and has scored eight reviews; the adapted ones are candidates."""
    encoders = [CountingEncoder(folder) for folder in folders]
    system = ReviewSystem.in_memory(
        database, tmp_path, encoders={encoder.version: encoder for encoder in encoders}
    )
    for folder in folders:
        registry.register(system.artefacts, folder)
    artefacts.move_pointer(system.artefacts, "model", BASE, if_match=None)
    ingest_id = system.ledger.receive("raw", "sauces", "etag")
    system.ledger.start(ingest_id)
    words = (" ".join([*PLAIN, *HURTS[:3]]), " ".join([*PLAIN, *SOOTHES[:3]]))
    messages = [system.store(ingest_id, "sauces", part, 4, words[part]) for part in range(2)]
    system.ledger.finish(ingest_id)
    system.process(messages)
    build_index(system.artefacts)
    system.processing_queue.take()
    return system


def adapted(system, number=1):
    return list(system.encoders.values())[number]


def stored_probabilities(rows, version):
    """Stored probabilities of each review by a model, in the order of the reviews."""
    query = "SELECT negative, neutral, positive FROM analyses JOIN reviews USING (review_id)"
    return np.array(rows(f"{query} WHERE model_version = %s ORDER BY review_id", version))


def encoded_probabilities(rows, encoder):
    texts = [text for (text,) in rows("SELECT text FROM reviews ORDER BY review_id")]
    probabilities = encoder._encoder.encode(texts).probabilities
    return decide(encoder.decisions.review, probabilities).probabilities


@pytest.mark.parametrize("number", [1, 2], ids=["adapted once", "adapted from an adapted one"])
def test_no_text_is_encoded_again_and_the_scores_equal_those_of_encoding(
    sauce_system, rows, number
):
    model = adapted(sauce_system, number)
    report = activate(sauce_system, model.version, force=True)
    assert (report.reviews_scored, report.reviews_reused, model.encoded) == (8, 8, 0)
    assert sauce_system.current() == (model.version, model.version, 8)
    probabilities = stored_probabilities(rows, model.version)
    assert probabilities == pytest.approx(encoded_probabilities(rows, model), abs=1e-4)
    assert np.abs(probabilities - stored_probabilities(rows, BASE)).max() > 0.01
    for info in list(sauce_system.artefacts.list(layout.embeddings_prefix(BASE))):
        if info.key.endswith(".npy"):
            other = info.key.replace(f"{BASE}/", f"{model.version}/")
            assert sauce_system.artefacts.get(other)[0] == sauce_system.artefacts.get(info.key)[0]


def test_scores_are_decided_by_a_second_model_where_the_activated_one_is_not_sure(
    sauce_system, rows, tmp_path
):
    second = open_folder(neutral_model(tmp_path / "second", "second-1"))
    limit = float(encoded_probabilities(rows, adapted(sauce_system)).max()) - 1e-4
    cascade = SecondModel("second-1", limit, lambda: second)
    query = "SELECT sentiment, sentiment_model FROM analyses WHERE model_version = %s"
    asked = []
    for number in (1, 2):  # the second one is adapted from the first, whose scores are stored
        model = adapted(sauce_system, number)
        activate(replace(sauce_system, second=cascade), model.version, force=True)
        decided = rows(f"{query} ORDER BY review_id", model.version)
        sure = encoded_probabilities(rows, model).max(1) >= limit
        assert [by is None for _, by in decided] == sure.tolist()
        asked += [label for label, by in decided if by]
    assert set(asked) == {"neutral"}


def test_which_reviews_are_mixed_is_taken_over(sauce_system, database, tmp_path):
    with database.transaction() as connection:
        connection.execute("UPDATE analyses SET mixed = review_id LIKE '%:2'")
        shard = processed_shards(connection)[1]
    table = read_clean(sauce_system.clean, shard.key)
    reuse = open_reuse(sauce_system.artefacts, adapted(sauce_system).version, tmp_path)
    _, mixed = reuse.score(sauce_system.artefacts, database, shard, table)
    assert mixed == [review_id.endswith(":2") for review_id in table["review_id"].to_pylist()]
    assert set(mixed) == {True, False}


@pytest.mark.parametrize("fault", ["no pair", "not scored", "other scores", "other text"])
def test_a_shard_that_the_base_model_has_not_scored_as_it_is_now_is_encoded(
    sauce_system, rows, database, fault
):
    model, system = adapted(sauce_system), sauce_system
    ingest_id = system.ledger.recent(1)[0].ingest_id
    with database.transaction() as connection:
        if fault == "no pair":
            system.artefacts.delete(layout.embedding_shard(BASE, ingest_id, 1))
        elif fault == "not scored":
            connection.execute(
                "UPDATE analyses SET model_version = 'other' WHERE review_id = 'sauces:1:2'"
            )
        elif fault == "other scores":  # the review is also in another dump, with another text
            connection.execute(
                "UPDATE analyses SET negative = 0.2, neutral = 0.3, positive = 0.5"
                " WHERE review_id = 'sauces:1:2'"
            )
    if fault == "other text":
        pair = [f(BASE, ingest_id, 1) for f in (layout.embedding_shard, layout.analysis_shard)]
        before = {key: system.artefacts.get(key)[0] for key in pair}
        system.ledger.delete_batches(ingest_id, 1, 5)
        system.process([system.store(ingest_id, "sauces", 1, 4, "savage fierce bottle")])
        for key, body in before.items():
            system.artefacts.put(key, body)
    report = activate(system, model.version, force=True)
    assert (report.reviews_scored, report.reviews_reused, model.encoded) == (8, 4, 4)
    assert stored_probabilities(rows, model.version) == pytest.approx(
        encoded_probabilities(rows, model), abs=1e-4
    )


def test_a_model_with_its_own_embeddings_reuses_no_scores(sauce_system, tmp_path):
    assert open_reuse(sauce_system.artefacts, BASE, tmp_path) is None
    version = adapted(sauce_system).version
    key = f"{layout.version_prefix('model', version)}manifest.json"
    manifest = json.loads(sauce_system.artefacts.get(key)[0])
    assert open_reuse(sauce_system.artefacts, version, tmp_path).version == BASE
    del manifest["parameters"]["embeddings_of"]
    sauce_system.artefacts.put(key, json.dumps(manifest).encode())
    assert open_reuse(sauce_system.artefacts, version, tmp_path) is None
