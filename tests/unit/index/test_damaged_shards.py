"""A damaged shard never stops a build, and its reviews stay searchable until it is repaired."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import CorruptObjectError
from shared.index.build import build_index
from shared.storage import artefacts, layout, quarantine
from tests.corpus import made_up_reviews, publish_manifest_only, put_shard, random_vectors
from tests.fakes.objects import MemoryStore

MODEL, DIMENSION = "tiny-1", 16


class DiskStore(MemoryStore):
    """A bucket that compares checksums: reads of the keys in ``damaged`` fail."""

    def __init__(self):
        super().__init__("artefacts")
        self.damaged = set()

    def get(self, key):
        if key in self.damaged:
            raise CorruptObjectError(f"object {key} is corrupt")
        return super().get(key)

    def head(self, key):
        return super().get(key)[1]

    def put(self, key, body, **conditions):
        self.damaged.discard(key)
        return super().put(key, body, **conditions)

    def copy(self, key, target):
        self.put(target, super().get(key)[0])


@pytest.fixture
def store():
    made = DiskStore()
    publish_manifest_only(made, MODEL, DIMENSION)
    for part in (1, 2):
        add(made, part)
    return made


def add(store, part):
    put_shard(store, MODEL, made_up_reviews(10, part), random_vectors(10, DIMENSION), part=part)


def npy(part):
    return layout.embedding_shard(MODEL, "ing_made", part)


def parquet(part):
    return layout.analysis_shard(MODEL, "ing_made", part)


@pytest.mark.parametrize("key", [npy(2), parquet(2)])
def test_a_new_shard_that_is_corrupt_is_set_aside_and_the_others_are_found(store, key):
    store.damaged = {key}
    report = build_index(store)
    assert (report.outcome, report.count) == ("published", 10)
    (record,) = quarantine.open_records(store)
    assert (record.key, record.problem) == (key, "corrupt")
    assert store.get(record.copy_key)[0]
    assert key not in {info.key for info in store.list("embeddings/")}


@pytest.mark.parametrize("key", [npy(2), parquet(2)])
@pytest.mark.parametrize("damage", ["corrupt", "truncated", "deleted"])
def test_the_current_index_stays_until_its_shard_is_repaired(store, key, damage):
    before = build_index(store)
    match damage:
        case "corrupt":
            store.damaged = {key}
        case "truncated":
            store.put(key, store.get(key)[0][:50])
        case "deleted":
            store.delete(key)
    add(store, 3)
    for _ in range(2):
        report = build_index(store)
        assert (report.outcome, report.version, report.count) == ("waiting", before.version, 20)
    assert artefacts.current(store, "index").version == before.version
    assert [record.key for record in quarantine.open_records(store)] == [key]
    add(store, 2)
    assert build_index(store).count == 30


def test_a_shard_that_is_not_repaired_does_not_stop_new_reviews_for_ever(store, monkeypatch):
    build_index(store)
    store.damaged = {npy(2)}
    add(store, 3)
    assert build_index(store).outcome == "waiting"
    (record,) = quarantine.open_records(store)
    earlier = record.model_copy(update={"found_at": datetime.now(UTC) - timedelta(hours=2)})
    store.put(layout.open_damage(record.bucket, record.key), earlier.model_dump_json().encode())
    report = build_index(store)
    assert (report.outcome, report.count) == ("published", 20)


def test_force_waits_for_no_repair(store):
    build_index(store)
    store.damaged = {npy(2)}
    assert build_index(store, force=True).count == 10
    assert len(quarantine.open_records(store)) == 1


def test_a_shard_that_left_the_ledger_is_no_damage(store):
    build_index(store)
    store.delete(npy(2))
    store.delete(parquet(2))
    assert build_index(store).count == 10
    assert quarantine.open_records(store) == []


def test_a_shard_that_is_half_written_is_no_damage(store):
    build_index(store)
    add(store, 3)
    store.delete(parquet(3))
    assert build_index(store).count == 20
    assert quarantine.open_records(store) == []
