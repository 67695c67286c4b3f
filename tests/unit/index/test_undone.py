"""No index version keeps reviews of an upload that is undone."""

import json

import pytest

from shared.errors import ConflictError
from shared.index import build
from shared.index.build import build_index, index_for, indexed_shards
from shared.storage import artefacts, forgotten, registry
from tests.corpus import made_up_reviews, publish_manifest_only, put_shard, random_vectors
from tests.fakes.objects import MemoryStore

DIMENSION = 8
GONE, KEPT = "ing_gone", "ing_kept"


def embed(store, model, ingest, seed):
    rows = made_up_reviews(5, seed)
    put_shard(store, model, rows, random_vectors(5, DIMENSION, seed), ingest=ingest, part=0)


@pytest.fixture
def store():
    store = MemoryStore()
    publish_manifest_only(store, "m1", DIMENSION)
    for seed, ingest in enumerate((GONE, KEPT), 1):
        embed(store, "m1", ingest, seed)
    assert build_index(store).count == 10
    return store


def current(store):
    version = artefacts.current(store, "index").version
    return artefacts.read_manifest(store, "index", version)


def undo(store):
    forgotten.mark(store, GONE)
    for info in list(store.list("embeddings/")):
        if forgotten.ingest_of(info.key) == GONE:
            store.delete(info.key)


def test_a_new_index_comes_first_and_the_earlier_ones_go(store):
    undo(store)
    report = build_index(store)
    assert (report.outcome, report.count) == ("published", 5)
    assert artefacts.versions(store, "index") == [report.version]
    assert build_index(store).outcome == "unchanged"


def test_embeddings_that_a_worker_wrote_late_are_left_out(store):
    undo(store)
    embed(store, "m1", GONE, seed=3)
    assert build_index(store).count == 5
    assert indexed_shards(store, current(store)) == {f"{KEPT}/part-00000"}
    assert index_for(store, "m1")[0].count == 5


def test_the_earlier_model_answers_without_it_while_a_new_one_embeds(store):
    publish_manifest_only(store, "m2", DIMENSION)
    assert build_index(store).outcome == "waiting"
    undo(store)
    assert build_index(store).outcome == "published"
    assert (current(store).model_version, current(store).count) == ("m1", 5)
    assert len(artefacts.versions(store, "index")) == 1
    assert build_index(store).outcome == "waiting"
    embed(store, "m2", KEPT, seed=2)
    assert build_index(store).outcome == "published"  # not for ever: the rest will never come
    assert (current(store).model_version, current(store).count) == ("m2", 5)


def test_the_index_for_a_rollback_goes_as_well(store):
    registry.record_current(store, "m1")
    publish_manifest_only(store, "m2", DIMENSION)
    for seed, ingest in enumerate((GONE, KEPT), 1):
        embed(store, "m2", ingest, seed)
    registry.record_activation(store, "m2")
    build_index(store)
    assert len(artefacts.versions(store, "index")) == 2
    undo(store)
    build_index(store)
    assert registry.indexes_by_model(store).keys() == {"m2"}
    assert index_for(store, "m1")[0].count == 5  # a rollback builds its own


def test_without_anything_left_there_is_no_index(store):
    for ingest in (GONE, KEPT):
        forgotten.mark(store, ingest)
    assert build_index(store).outcome == "empty"
    assert artefacts.current(store, "index") is None
    assert list(store.list("indexes/")) == []
    assert build_index(store).outcome == "empty"


def test_a_pointer_to_a_removed_version_goes(store):
    for ingest in (GONE, KEPT):
        forgotten.mark(store, ingest)
    artefacts.discard(store, "index", current(store).version)  # killed after its deletion
    build_index(store)
    assert artefacts.current(store, "index") is None


def test_a_build_that_began_before_is_repeated(store, monkeypatch):
    embed(store, "m1", KEPT, seed=4)
    move = build.artefacts.move_pointer

    def move_and_undo(*arguments, **options):
        undo(store)
        return move(*arguments, **options)

    monkeypatch.setattr(build.artefacts, "move_pointer", move_and_undo)
    with pytest.raises(ConflictError):
        build_index(store)
    monkeypatch.undo()
    assert build_index(store).count == 5
    assert len(artefacts.versions(store, "index")) == 1


def test_what_a_killed_build_left_goes_once_it_is_old(store):
    names = json.dumps([f"embeddings/m1/{GONE}/part-00000:a:b"]).encode()
    old, new = "20200101T000000.000000-5-aaaaaa", "29990101T000000.000000-5-aaaaaa"
    for version in (old, new):
        store.put(f"indexes/{version}/shards.json", names)
    undo(store)
    build_index(store)
    assert forgotten.holders(store, [GONE]) == [f"indexes/{new}/"]


def rewrite(store, seed):
    """The shard of GONE with other rows, as after the removal of some."""
    forgotten.mark_rows(store, "exc_1", GONE)
    embed(store, "m1", GONE, seed)


def test_no_index_keeps_a_shard_as_it_was(store):
    earlier = current(store).version
    rewrite(store, seed=5)
    assert forgotten.stale_holders(store, {GONE}) == [f"indexes/{earlier}/"]
    report = build_index(store)
    assert (report.outcome, report.count) == ("published", 10)
    assert artefacts.versions(store, "index") == [report.version]
    assert forgotten.stale_holders(store, {GONE}) == []
    assert build_index(store).outcome == "unchanged"
    assert forgotten.marked(store) == frozenset()
    forgotten.unmark_rows(store, "exc_1")
    assert forgotten.marked_exclusions(store) == frozenset()
