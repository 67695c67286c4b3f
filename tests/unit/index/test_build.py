"""A build indexes every complete pair of shards, once, and never moves the pointer backwards."""

import json
import sqlite3

import numpy as np
import pytest

from shared.errors import ConflictError, UnavailableError
from shared.index import build as building
from shared.index.build import build_index
from shared.index.reader import IndexReader
from shared.storage import artefacts
from shared.storage.layout import analysis_shard, embedding_shard
from tests.corpus import made_up_reviews, npy, publish_manifest_only, put_shard, random_vectors
from tests.fakes.objects import MemoryStore

DIMENSION = 16
MODEL = "tiny-1"


def add(store, count, *, seed=1, model=MODEL, part=None, ingest="ing_made"):
    rows, array = made_up_reviews(count, seed), random_vectors(count, DIMENSION, seed)
    return put_shard(store, model, rows, array, part=part, ingest=ingest), rows, array


def opened(store, tmp_path):
    now = artefacts.current(store, "index")
    return IndexReader(artefacts.fetch(store, "index", now.version, tmp_path / "cache"))


def test_every_row_of_every_shard_is_found_by_its_vector(store, tmp_path):
    shards = [add(store, 40, seed=seed, part=seed) for seed in range(3)]
    report = build_index(store)
    assert (report.outcome, report.count, report.shards, report.skipped) == (
        "published",
        120,
        3,
        [],
    )
    index = opened(store, tmp_path)
    assert index.manifest.model_version == MODEL
    assert index.manifest.parameters["kind"] == "exact"
    for _, rows, array in shards:
        for row, vector in zip(rows, array, strict=True):
            assert index.search(vector.astype(np.float32), 1)[0].row.text == row["text"]


def test_an_unchanged_set_of_shards_is_left_alone(store):
    add(store, 10, part=1)
    first = build_index(store)
    keys = [info.key for info in store.list("")]
    again = build_index(store)
    assert (again.outcome, again.version) == ("unchanged", first.version)
    assert [info.key for info in store.list("")] == keys


@pytest.mark.parametrize("change", ["added", "rewritten", "deleted"])
def test_a_changed_set_is_built_again(store, change):
    add(store, 10, part=1)
    add(store, 10, part=2, seed=2)
    first = build_index(store)
    match change:
        case "added":
            add(store, 5, part=3, seed=3)
        case "rewritten":
            add(store, 7, part=2, seed=4)
        case "deleted":
            store.delete(embedding_shard(MODEL, "ing_made", 2))
            store.delete(analysis_shard(MODEL, "ing_made", 2))
    second = build_index(store)
    assert second.outcome == "published"
    assert second.version != first.version
    assert artefacts.current(store, "index").version == second.version


def test_an_index_that_lost_a_file_is_built_again(store):
    add(store, 10, part=1)
    first = build_index(store)
    store.put(f"indexes/{first.version}/index.faiss", b"short")
    assert build_index(store).outcome == "published"


def test_without_a_model_it_is_unavailable():
    with pytest.raises(UnavailableError):
        build_index(MemoryStore())


def test_without_shards_nothing_is_published(store):
    report = build_index(store)
    assert (report.outcome, report.version) == ("empty", None)
    assert artefacts.current(store, "index") is None


def test_shards_of_another_model_are_not_mixed_in(store):
    add(store, 10, part=1)
    add(store, 10, part=1, model="older", seed=2)
    assert build_index(store).count == 10


def _half_npy(store):
    body = store.get(embedding_shard(MODEL, "ing_made", 2))[0]
    store.put(embedding_shard(MODEL, "ing_made", 2), body[: len(body) // 2])


def _half_parquet(store):
    body = store.get(analysis_shard(MODEL, "ing_made", 2))[0]
    store.put(analysis_shard(MODEL, "ing_made", 2), body[: len(body) // 2])


def _no_analyses(store):
    store.delete(analysis_shard(MODEL, "ing_made", 2))


def _no_embeddings(store):
    store.delete(embedding_shard(MODEL, "ing_made", 2))


def _fewer_vectors(store):
    store.put(embedding_shard(MODEL, "ing_made", 2), npy(random_vectors(9, DIMENSION)))


def _other_dimension(store):
    store.put(embedding_shard(MODEL, "ing_made", 2), npy(random_vectors(10, 8)))


def _float32(store):
    array = random_vectors(10, DIMENSION).astype(np.float32)
    store.put(embedding_shard(MODEL, "ing_made", 2), npy(array))


def _zero_vector(store):
    array = random_vectors(10, DIMENSION)
    array[3] = 0
    store.put(embedding_shard(MODEL, "ing_made", 2), npy(array))


def _not_a_number(store):
    array = random_vectors(10, DIMENSION)
    array[3, 3] = np.nan
    store.put(embedding_shard(MODEL, "ing_made", 2), npy(array))


def _pickle(store):
    store.put(embedding_shard(MODEL, "ing_made", 2), npy(np.array([{"a": 1}], dtype=object)))


def _empty_file(store):
    store.put(embedding_shard(MODEL, "ing_made", 2), b"")


@pytest.mark.parametrize(
    "damage",
    [
        _half_npy,
        _half_parquet,
        _no_analyses,
        _no_embeddings,
        _fewer_vectors,
        _other_dimension,
        _float32,
        _zero_vector,
        _not_a_number,
        _pickle,
        _empty_file,
    ],
)
def test_a_damaged_shard_is_left_out_and_named(store, tmp_path, caplog, damage):
    add(store, 10, part=1)
    add(store, 10, part=2, seed=2)
    add(store, 10, part=3, seed=3)
    damage(store)
    report = build_index(store)
    assert (report.outcome, report.count, report.shards) == ("published", 20, 2)
    assert [entry.stem.rsplit("/", 1)[1] for entry in report.skipped] == ["part-00002"]
    assert "part-00002" in caplog.text
    assert opened(store, tmp_path).count == 20


def test_nothing_but_damaged_shards_publishes_nothing(store):
    add(store, 10, part=2)
    _zero_vector(store)
    assert build_index(store).outcome == "empty"


def test_many_vectors_are_searched_by_a_graph_of_measured_recall(store, tmp_path):
    add(store, 2_000, part=1)
    build_index(store, exact_up_to=1_000)
    index = opened(store, tmp_path)
    parameters = index.manifest.parameters
    assert parameters["kind"] == "hnsw"
    assert parameters["recall_at_10"] >= 0.97
    assert parameters["ef_search"] >= 32
    assert len(index.search(random_vectors(1, DIMENSION, 5)[0].astype(np.float32), 10)) == 10


def test_a_graph_that_misses_its_recall_gives_way_to_exact_search(store, tmp_path, monkeypatch):
    monkeypatch.setattr(building.vectors, "MIN_RECALL", 1.01)
    add(store, 300, part=1)
    build_index(store, exact_up_to=100)
    index = opened(store, tmp_path)
    assert index.manifest.parameters["kind"] == "exact"
    assert index.count == 300


def test_the_side_file_stands_in_the_order_of_the_vectors(store, tmp_path):
    _, rows, _ = add(store, 30, part=1)
    version = build_index(store).version
    folder = artefacts.fetch(store, "index", version, tmp_path / "cache").folder
    with sqlite3.connect(folder / "rows.sqlite") as connection:
        stored = connection.execute("SELECT review_id FROM reviews ORDER BY id").fetchall()
    assert [entry[0] for entry in stored] == [row["review_id"] for row in rows]


def test_old_versions_go_and_the_last_ones_stay(store):
    versions = []
    for part in range(5):
        add(store, 5, part=part, seed=part + 1)
        versions.append(build_index(store).version)
    kept = {info.key.split("/")[1] for info in store.list("indexes/")}
    assert versions[-1] in kept
    assert len(kept) == 3


class _Race:
    """Lets another build win just before this one moves the pointer."""

    def __init__(self, monkeypatch, store, between):
        self.tries = 0
        move = artefacts.move_pointer

        def late(*arguments, **conditions):
            self.tries += 1
            if self.tries == 1:
                between()
            return move(*arguments, **conditions)

        monkeypatch.setattr(building.artefacts, "move_pointer", late)
        self.store = store


def test_a_race_lost_to_an_index_that_covers_as_much_drops_ours(store, monkeypatch):
    add(store, 10, part=1)
    winners = []

    def other_build():
        add(store, 10, part=2, seed=2)
        winners.append(build_index(store).version)

    _Race(monkeypatch, store, other_build)
    report = build_index(store)
    assert report.outcome == "superseded"
    assert artefacts.current(store, "index").version == winners[0]
    assert {info.key.split("/")[1] for info in store.list("indexes/")} == {winners[0]}


def test_an_index_that_an_activation_took_up_before_its_build_could_is_kept(store, monkeypatch):
    add(store, 10, part=1)
    move = artefacts.move_pointer

    def taken_up():
        (version,) = artefacts.versions(store, "index")
        move(store, "index", version, if_match=None)

    _Race(monkeypatch, store, taken_up)
    report = build_index(store)
    assert report.outcome == "published"
    assert artefacts.current(store, "index").version == report.version
    assert artefacts.read_manifest(store, "index", report.version).count == 10


def test_a_race_lost_to_an_index_that_covers_less_is_run_again(store, monkeypatch):
    add(store, 10, part=1)
    part, _, _ = add(store, 10, part=2, seed=2)
    body = store.get(embedding_shard(MODEL, "ing_made", part))[0]

    def other_build():
        store.delete(embedding_shard(MODEL, "ing_made", part))
        assert build_index(store).count == 10
        store.put(embedding_shard(MODEL, "ing_made", part), body)

    race = _Race(monkeypatch, store, other_build)
    report = build_index(store)
    assert (report.outcome, report.count) == ("published", 20)
    assert race.tries == 3
    assert artefacts.current(store, "index").version == report.version


def test_two_builds_that_each_miss_something_ask_for_another(store, monkeypatch):
    add(store, 10, part=1)
    add(store, 10, part=2, seed=2)

    def other_build():
        store.delete(embedding_shard(MODEL, "ing_made", 1))
        add(store, 10, part=3, seed=3)
        build_index(store)

    _Race(monkeypatch, store, other_build)
    with pytest.raises(ConflictError):
        build_index(store)


def test_a_new_model_gets_an_index_of_its_own_embeddings(store):
    add(store, 10, part=1)
    build_index(store)
    publish_manifest_only(store, "tiny-2", DIMENSION)
    assert build_index(store).outcome == "waiting"
    add(store, 6, part=1, model="tiny-2", seed=5)
    report = build_index(store)
    assert (report.outcome, report.count) == ("published", 6)


def test_the_shards_of_an_index_are_listed_in_it(store):
    add(store, 10, part=1)
    version = build_index(store).version
    names = json.loads(store.get(f"indexes/{version}/shards.json")[0])
    assert len(names) == 1
    assert "part-00001" in names[0]


def test_a_new_model_waits_until_it_has_embedded_what_the_index_holds(store):
    add(store, 10, part=1)
    add(store, 10, part=2, seed=2)
    old = build_index(store).version
    publish_manifest_only(store, "tiny-2", DIMENSION)
    add(store, 10, part=1, model="tiny-2")
    add(store, 10, part=3, seed=3, model="tiny-2")
    assert build_index(store).outcome == "waiting"
    assert artefacts.current(store, "index").version == old
    add(store, 10, part=2, seed=2, model="tiny-2")
    report = build_index(store)
    assert (report.outcome, report.count) == ("published", 30)


def test_force_does_not_wait(store):
    add(store, 10, part=1)
    build_index(store)
    publish_manifest_only(store, "tiny-2", DIMENSION)
    add(store, 10, part=9, model="tiny-2")
    report = build_index(store, force=True)
    assert (report.outcome, report.count) == ("published", 10)


def test_force_builds_again_what_is_current(store):
    add(store, 10, part=1)
    first = build_index(store).version
    report = build_index(store, force=True)
    assert report.outcome == "published"
    assert report.version > first
