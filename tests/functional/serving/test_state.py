"""Model and index always match, and the last good pair stays in use."""

import threading
import time

import numpy as np
import pytest

from shared.errors import UnavailableError
from shared.index.build import build_index
from shared.serving import state as module
from shared.serving.state import ServingState, serving_health
from shared.storage import artefacts, refresh
from shared.storage.layout import pointer_key, version_prefix
from tests.corpus import made_up_reviews, publish_model, put_shard, random_vectors
from tests.fakes.objects import MemoryStore
from tests.models import model_folder, opened_model, renamed_model

QUERY = random_vectors(1, 384, seed=8)[0].astype(np.float32)


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def state(store, tmp_path):
    return ServingState(store, tmp_path / "cache", refresh_seconds=3600)


@pytest.fixture
def model(store):
    return publish_model(store, model_folder())


def add_index(store, model_version, count=20, seed=1, part=None):
    rows, vectors = made_up_reviews(count, seed), random_vectors(count, 384, seed)
    put_shard(store, model_version, rows, vectors, part=part)
    return build_index(store).version


def versions(state):
    snapshot = state.snapshot()
    return snapshot.encoder.version, snapshot.index.version if snapshot.index else None


def test_without_a_model_requests_fail_and_health_explains_why(state):
    with pytest.raises(UnavailableError, match="no model is published"):
        state.snapshot()
    health = serving_health("inference", "1", state)
    assert health.status == "unavailable"
    assert "no model" in health.checks["model"].detail


def test_a_model_answers_without_an_index(state, model):
    assert versions(state) == (model.version, None)
    assert serving_health("inference", "1", state).status == "ok"


def test_an_index_is_used_once_it_is_published(store, state, model):
    state.snapshot()
    version = add_index(store, model.version)
    state.refresh()
    assert versions(state) == (model.version, version)
    assert serving_health("inference", "1", state).index_version == version


def test_a_new_model_waits_for_an_index_of_its_embeddings(store, state, model, tmp_path):
    old = add_index(store, model.version, part=1)
    state.snapshot()
    publish_model(store, renamed_model(tmp_path / "next", "next-model"))
    state.refresh()
    assert versions(state) == (model.version, old)
    health = serving_health("retrieval", "1", state)
    assert health.status == "degraded"
    assert "waits for an index" in health.checks["model"].detail

    new = add_index(store, "next-model", part=1)
    state.refresh()
    assert versions(state) == ("next-model", new)
    assert serving_health("retrieval", "1", state).status == "ok"


def test_a_new_process_uses_the_matching_pair_while_a_new_model_waits(store, model, tmp_path):
    old = add_index(store, model.version)
    publish_model(store, renamed_model(tmp_path / "next", "next-model"))
    fresh = ServingState(store, tmp_path / "fresh")
    assert versions(fresh) == (model.version, old)


def corrupt(store, kind, version, file):
    key = version_prefix(kind, version) + file
    body = bytearray(store.get(key)[0])
    body[len(body) // 2] ^= 1
    store.put(key, bytes(body))


def test_a_new_process_falls_back_from_a_corrupt_index_to_the_previous_one(store, model, tmp_path):
    old = add_index(store, model.version)
    bad = add_index(store, model.version)
    corrupt(store, "index", bad, "index.faiss")
    fresh = ServingState(store, tmp_path / "fresh")
    assert versions(fresh) == (model.version, old)
    health = serving_health("inference", "1", fresh)
    assert health.status == "degraded"
    assert bad in health.checks["index"].detail


@pytest.mark.parametrize("file", ["index.faiss", "rows.sqlite", "shards.json"])
def test_a_corrupt_new_index_leaves_the_last_good_pair_in_use(store, state, model, file):
    old = add_index(store, model.version)
    state.snapshot()
    new = add_index(store, model.version, seed=2)
    corrupt(store, "index", new, file)
    state.refresh()
    assert versions(state) == (model.version, old)
    health = serving_health("retrieval", "1", state)
    assert (health.status, health.index_version) == ("degraded", old)
    assert "corrupt" in health.checks["index"].detail


def test_the_next_good_index_is_used_after_a_corrupt_one(store, state, model):
    add_index(store, model.version)
    state.snapshot()
    corrupt(store, "index", add_index(store, model.version, seed=2), "index.faiss")
    state.refresh()
    good = add_index(store, model.version, seed=3)
    state.refresh()
    assert versions(state) == (model.version, good)
    assert serving_health("retrieval", "1", state).status == "ok"


def test_with_only_a_corrupt_index_the_model_still_answers(store, state, model):
    corrupt(store, "index", add_index(store, model.version), "rows.sqlite")
    assert versions(state) == (model.version, None)
    assert serving_health("inference", "1", state).status == "degraded"


def test_a_repaired_index_is_used_after_the_retry_interval(store, state, model, monkeypatch):
    version = add_index(store, model.version)
    key = version_prefix("index", version) + "rows.sqlite"
    good = store.get(key)[0]
    store.put(key, b"damaged")
    assert versions(state) == (model.version, None)
    store.put(key, good)
    state.refresh()
    assert versions(state) == (model.version, None), "not before the retry interval is over"
    monkeypatch.setattr(refresh, "_RETRY_SECONDS", 0)
    state.refresh()
    assert versions(state) == (model.version, version)


def test_a_corrupt_new_model_leaves_the_last_good_one_in_use(store, state, model, tmp_path):
    state.snapshot()
    publish_model(store, renamed_model(tmp_path / "next", "next-model"))
    corrupt(store, "model", "next-model", "model.onnx")
    state.refresh()
    assert versions(state) == (model.version, None)
    assert "corrupt" in serving_health("inference", "1", state).checks["model"].detail


def test_an_index_of_another_dimension_is_refused(store, state, model, monkeypatch):
    version = add_index(store, model.version)
    manifest = artefacts.read_manifest(store, "index", version)
    key = version_prefix("index", version) + "manifest.json"
    changed = manifest.model_copy(update={"dimension": 128})
    store.put(key, changed.model_dump_json().encode())
    assert versions(state) == (model.version, None)
    assert "dimension" in serving_health("inference", "1", state).checks["index"].detail


@pytest.mark.parametrize("kind", ["model", "index"])
def test_a_pointer_that_cannot_be_read_changes_nothing(store, state, model, kind):
    version = add_index(store, model.version)
    before = versions(state)
    store.put(pointer_key(kind), b"{")
    state.refresh()
    assert versions(state) == before == (model.version, version)
    assert serving_health("retrieval", "1", state).status == "degraded"


def test_an_unavailable_store_changes_nothing(store, state, model, monkeypatch):
    version = add_index(store, model.version)
    state.snapshot()

    def down(*_arguments):
        raise UnavailableError("S3 did not answer")

    monkeypatch.setattr(artefacts, "current", down)
    state.refresh()
    assert versions(state) == (model.version, version)
    assert serving_health("retrieval", "1", state).status == "degraded"


def test_simultaneous_first_calls_load_the_pair_once(store, state, model, monkeypatch):
    add_index(store, model.version)
    loads = []
    fetch = artefacts.fetch

    def counting_fetch(*arguments):
        loads.append(arguments[1:3])
        return fetch(*arguments)

    monkeypatch.setattr(artefacts, "fetch", counting_fetch)
    snapshots = []
    threads = [
        threading.Thread(target=lambda: snapshots.append(state.snapshot())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(snapshot) for snapshot in snapshots}) == 1
    assert len(loads) == 2, "one model and one index"


def test_a_slow_first_load_continues_after_the_request_times_out(
    store, model, tmp_path, monkeypatch
):
    impatient = ServingState(
        store, tmp_path / "cache", refresh_seconds=3600, first_load_seconds=0.1
    )
    released, fetch, loads = threading.Event(), artefacts.fetch, []

    def blocking_fetch(*arguments):
        loads.append(arguments[2])
        assert released.wait(30)
        return fetch(*arguments)

    monkeypatch.setattr(artefacts, "fetch", blocking_fetch)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="being loaded; try again"):
            impatient.snapshot()
    health = serving_health("inference", "1", impatient)
    assert health.status == "unavailable"
    released.set()
    deadline = time.monotonic() + 30
    while impatient.loaded is None and time.monotonic() < deadline:
        released.wait(0.01)
    assert versions(impatient) == (model.version, None)
    assert loads == [model.version], "the load is not started twice"


@pytest.fixture
def blocked_fetch(monkeypatch):
    """An event: until it is set, no version is fetched."""
    released, fetch = threading.Event(), artefacts.fetch

    def blocking_fetch(*arguments):
        assert released.wait(30)
        return fetch(*arguments)

    monkeypatch.setattr(artefacts, "fetch", blocking_fetch)
    yield released
    released.set()


def test_a_frozen_function_is_held_for_its_first_load(store, model, tmp_path, blocked_fetch):
    state = ServingState(store, tmp_path / "cache", first_load_seconds=0.01)
    state.settle(30)  # nothing was started
    with pytest.raises(UnavailableError):
        state.snapshot()
    state.settle(0.01)
    assert state.loaded is None
    blocked_fetch.set()
    state.settle(30)
    assert versions(state) == (model.version, None)


@pytest.mark.parametrize("is_turn", [False, True])
def test_a_frozen_function_is_held_for_a_swap_in_its_turn(
    store, model, tmp_path, monkeypatch, request, is_turn
):
    monkeypatch.setattr(module, "_CHECK_SECONDS", 0.01)
    state = ServingState(
        store, tmp_path / "cache", refresh_seconds=0, swap_delay_seconds=0 if is_turn else 300
    )
    state.snapshot()
    state.settle(30)
    monkeypatch.setattr(state, "_load_seconds", 30.0)
    version = add_index(store, model.version)
    released = request.getfixturevalue("blocked_fetch")
    state.snapshot()
    if is_turn:
        threading.Timer(0.2, released.set).start()
    state.settle(30)
    assert versions(state) == (model.version, version if is_turn else None)
    released.set()
    state.refresh()
    assert versions(state) == (model.version, version)


def test_a_due_refresh_runs_in_the_background(store, model, tmp_path):
    state = ServingState(store, tmp_path / "cache", refresh_seconds=0)
    old = state.snapshot()
    assert old.index is None
    version = add_index(store, model.version)
    arrived = threading.Event()

    def poll():
        while not arrived.is_set():
            snapshot = state.snapshot()
            if snapshot.index is not None and snapshot.index.version == version:
                arrived.set()

    thread = threading.Thread(target=poll)
    thread.start()
    assert arrived.wait(30)
    thread.join()


def test_no_request_fails_while_versions_swap(store, model, tmp_path):
    """Readers search during the swaps; every result comes from a matching pair."""
    state = ServingState(store, tmp_path / "cache", refresh_seconds=0)
    versions_in_use, errors = set(), []
    stop = threading.Event()
    published = [add_index(store, model.version)]

    def read():
        while not stop.is_set():
            try:
                snapshot = state.snapshot()
                hits = snapshot.index.search(QUERY, 5)
                assert len(hits) == 5
                assert snapshot.index.manifest.model_version == snapshot.encoder.version
                versions_in_use.add(snapshot.index.version)
            except Exception as error:  # noqa: BLE001 - reported by the test
                errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for seed in range(2, 6):
            published.append(add_index(store, model.version, count=200, seed=seed))
            if seed == 4:
                corrupt(store, "index", published[-1], "index.faiss")
                continue
            for _ in range(3_000):
                if published[-1] in versions_in_use or errors:
                    break
                stop.wait(0.01)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    corrupted = published[3]
    assert versions_in_use >= set(published) - {corrupted}


def test_the_encoder_is_shared_between_index_versions(store, state, model):
    add_index(store, model.version)
    first = state.snapshot()
    add_index(store, model.version, seed=2)
    state.refresh()
    second = state.snapshot()
    assert second.index is not first.index
    assert second.encoder is first.encoder
    assert opened_model().version == second.encoder.version


def test_a_server_follows_the_pointers_without_requests(store, tmp_path, model):
    state = ServingState(store, tmp_path / "cache", refresh_seconds=0.01)
    state.snapshot()
    stopping = threading.Event()
    follower = threading.Thread(target=state.keep_current, args=(stopping,))
    follower.start()
    version = add_index(store, model.version)
    deadline = time.monotonic() + 60
    while state.loaded.index is None and time.monotonic() < deadline:
        time.sleep(0.01)
    stopping.set()
    follower.join()
    assert state.loaded.index.version == version


def test_a_server_leaves_the_first_load_to_the_first_request(store, tmp_path, model):
    state = ServingState(store, tmp_path / "cache", refresh_seconds=0.01)
    stopping = threading.Event()
    follower = threading.Thread(target=state.keep_current, args=(stopping,))
    follower.start()
    time.sleep(0.5)
    stopping.set()
    follower.join()
    assert state.loaded is None


def cached(folder):
    return sorted(path.name for path in (folder / "indexes").iterdir())


def test_a_removed_index_leaves_the_disk_of_a_process(store, state, model, tmp_path):
    old = add_index(store, model.version)
    state.refresh()
    new = add_index(store, model.version, seed=2)
    state.refresh()
    assert cached(tmp_path / "cache") == [old, new]
    artefacts.discard(store, "index", old)  # as a build does after an upload was undone
    state.refresh()
    assert cached(tmp_path / "cache") == [new]


def test_an_index_that_was_removed_with_its_pointer_is_no_longer_used(
    store, state, model, tmp_path
):
    version = add_index(store, model.version)
    state.refresh()
    store.delete(pointer_key("index"))
    state.refresh()
    assert versions(state) == (model.version, version)  # only the pointer is lost
    artefacts.discard(store, "index", version)
    state.refresh()
    assert versions(state) == (model.version, None)
    assert serving_health("retrieval", "1", state).status == "ok"
    assert cached(tmp_path / "cache") == []
    new = add_index(store, model.version, seed=3)
    state.refresh()
    assert versions(state) == (model.version, new)
