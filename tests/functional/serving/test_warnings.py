"""Answers that do not come from the current model and index say so."""

from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from lambdas.inference.api import create_app as create_inference
from lambdas.inference.dependencies import Dependencies as InferenceDependencies
from lambdas.retrieval.api import create_app as create_retrieval
from lambdas.retrieval.dependencies import Dependencies as RetrievalDependencies
from shared.index.build import build_index
from shared.serving import snapshots
from shared.serving.state import ServingState
from shared.storage import layout, quarantine, verify
from tests.corpus import made_up_reviews, publish_manifest_only, put_shard, random_vectors
from tests.fakes.encoder import WordEncoder
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue

DIMENSION = 8


class Encoder(WordEncoder):
    def __init__(self, version):
        super().__init__(DIMENSION)
        self.version = version

    def encode(self, texts):
        encoded = super().encode(texts)
        return SimpleNamespace(**encoded._asdict(), truncated=[False] * len(texts))


@pytest.fixture
def store(monkeypatch):
    """A bucket with a model and no index."""

    def open_version(store, version, _cache_dir, **_threads):
        store.get(layout.version_prefix("model", version) + "manifest.json")
        return Encoder(version)

    monkeypatch.setattr(snapshots, "open_version", open_version)
    made = MemoryStore("artefacts")
    publish_manifest_only(made, "m1", DIMENSION)
    return made


def add_index(store, part):
    rows, vectors = made_up_reviews(10, part), random_vectors(10, DIMENSION, part)
    put_shard(store, "m1", rows, vectors, part=part)
    return build_index(store).version


@pytest.fixture
def start(store, tmp_path):
    """``start()``: the state of a process that starts now."""
    count = iter(range(9))
    return lambda: ServingState(store, tmp_path / str(next(count)), refresh_seconds=3600.0)


@pytest.fixture
def ask(store):
    """``ask(state)``: the warnings of the three routes, and the versions that answered."""

    def request(state):
        retrieval = RetrievalDependencies(state, store, MemoryQueue())
        searches = TestClient(create_retrieval(lambda: retrieval))
        texts = TestClient(create_inference(lambda: InferenceDependencies(state)))
        query = {"query_text": "This is a lovely thing"}
        answers = [
            searches.post("/search_similar", json=query),
            texts.post("/analyze", json=query),
            texts.post("/analyze/batch", json={"texts": ["This is a lovely thing"]}),
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        bodies = [answer.json() for answer in answers]
        (versions,) = {(body["model_version"], body["index_version"]) for body in bodies}
        return [body["warnings"] for body in bodies], *versions

    return request


def test_the_current_pair_answers_without_a_warning(store, start, ask):
    version = add_index(store, 1)
    assert ask(start()) == ([[], [], []], "m1", version)


def test_a_process_that_starts_answers_from_an_earlier_index(store, start, ask):
    old, bad = add_index(store, 1), add_index(store, 2)
    store.put(f"indexes/{bad}/index.faiss", b"damaged")
    warning = f"index {bad} cannot be used: index {old} of model m1 answers instead"
    assert ask(start()) == ([[warning]] * 3, "m1", old)


def test_a_running_process_keeps_its_index_and_says_so(store, start, ask):
    old = add_index(store, 1)
    state = start()
    ask(state)
    bad = add_index(store, 2)
    store.put(f"indexes/{bad}/rows.sqlite", b"damaged")
    state.refresh()
    warning = f"index {bad} cannot be used: index {old} of model m1 answers instead"
    assert ask(state) == ([[warning]] * 3, "m1", old)
    newest = add_index(store, 3)
    state.refresh()
    assert ask(state) == ([[], [], []], "m1", newest)


@pytest.mark.parametrize("body", [b"", b"no json", None])
def test_a_lost_index_pointer_is_replaced_by_the_newest_index(store, start, ask, body):
    add_index(store, 1)
    newest = add_index(store, 2)
    running = start()
    ask(running)
    key = layout.pointer_key("index")
    store.delete(key) if body is None else store.put(key, body)
    warning = f"the index pointer cannot be read: index {newest} of model m1 answers instead"
    fresh = start()
    assert ask(fresh) == ([[warning]] * 3, "m1", newest)
    assert fresh.checks()["index"].status == "degraded"
    running.refresh()
    assert ask(running) == ([[], [], []], "m1", newest)
    assert running.checks()["index"].status == "degraded"


@pytest.mark.parametrize("body", [b"", b"[]", None])
def test_a_lost_model_pointer_does_not_matter_to_a_pair(store, start, ask, body):
    version = add_index(store, 1)
    key = layout.pointer_key("model")
    store.delete(key) if body is None else store.put(key, body)
    assert ask(start()) == ([[], [], []], "m1", version)


def test_without_an_index_the_likely_model_answers(store, start, ask):
    store.put(layout.pointer_key("model"), b"damaged")
    warnings, model, index = ask(start())
    assert (model, index) == ("m1", None)
    warning = "the model pointer cannot be used: model m1 answers instead"
    assert all(warning in each for each in warnings)


def test_an_index_without_a_substitute_is_not_called_unpublished(store, start, ask):
    bad = add_index(store, 1)
    store.put(f"indexes/{bad}/index.faiss", b"damaged")
    warnings, model, index = ask(start())
    assert (model, index) == ("m1", None)
    assert all("no index can be used now: no reviews were compared" in each for each in warnings)


def test_health_names_damaged_objects_and_what_is_done(store, start):
    add_index(store, 1)
    for number in range(7):
        damage = verify.missing(store, f"embeddings/m1/i/part-{number:05d}.npy")
        quarantine.record(store, damage, "its reviews are embedded again")
    state = start()
    state.snapshot()
    check = state.checks()["stored_objects"]
    assert check.status == "degraded"
    assert "embeddings/m1/i/part-00000.npy is missing" in check.detail
    assert "its reviews are embedded again" in check.detail
    assert "and 2 more" in check.detail
    for record in quarantine.open_records(store):
        quarantine.heal(store, record)
    assert "stored_objects" not in state.checks()
