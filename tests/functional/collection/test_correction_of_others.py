"""After a correction, everything is as if each object had been read that way from the start."""

import pytest

from lambdas.collection.orphans import delete_orphans
from lambdas.collection.sweep import sweep
from shared.errors import UnavailableError
from shared.schemas.ingest import IngestStatus
from shared.storage.layout import clean_shard, embedding_shard
from tests.functional.collection.shop_stack import (
    KEYS,
    RIGHT,
    WRONG,
    Stack,
    answers,
    as_csv,
    shop_row,
    stopped,
)

_KNOWN: dict = {}  # the same for all tests


@pytest.fixture
def expected(world, rows, empty_tables, tmp_path):
    """What a stack answers that reads the objects rightly from the start; leaves tables empty."""
    if not _KNOWN:
        stack = Stack(world)
        for key in KEYS:
            stack.read(key, RIGHT)
        stack.finish()
        _KNOWN.update(answers(stack, rows, tmp_path / "fresh"))
        empty_tables()
    return _KNOWN


def is_complete(reports):
    return all(one.rows_read == one.stored + one.duplicates + one.rejected for one in reports)


@pytest.mark.parametrize("order", [KEYS, KEYS[1:] + KEYS[:1]], ids=["first", "last"])
def test_a_correction_gives_what_reading_rightly_gives(world, rows, expected, tmp_path, order):
    stack = Stack(world)
    for key in order:
        stack.read(key, WRONG if key == KEYS[0] else RIGHT)
    stack.finish()
    assert sum(one.duplicates for one in stack.reports()) > 50
    stack.correct()
    stack.finish()
    assert is_complete(stack.reports())
    actual = answers(stack, rows, tmp_path / "corrected")
    for name, value in expected.items():
        assert actual[name] == value, name


@pytest.mark.parametrize("stops", [0, 4, 9, 12])
def test_a_correction_survives_a_kill_and_repeated_messages(world, rows, expected, tmp_path, stops):
    stack = Stack(world)
    for key in KEYS:
        stack.read(key, WRONG if key == KEYS[0] else RIGHT)
    stack.finish()
    stack.correct()
    with stopped(stack, after=stops), pytest.raises(UnavailableError):
        stack.collect()
    assert is_complete(stack.reports())
    stack.world.dependencies.collection_queue.take()  # what was queued is lost
    sweep(stack.world.dependencies, force=True)
    stack.collect(twice=True)
    stack.finish()
    actual = answers(stack, rows, tmp_path / "corrected")
    for name, value in expected.items():
        assert actual[name] == value, name


def test_two_ingests_with_duplicates_of_each_other_come_to_an_end(world, rows, assert_counts):
    stack = Stack(world)
    first, second = ([shop_row(n) for n in numbers] for numbers in (range(40), range(60)))
    stack.read(KEYS[0], WRONG, as_csv(first))
    stack.read(KEYS[1], WRONG, as_csv(second))
    for key in (KEYS[0], KEYS[1], KEYS[0]):
        for mapping in (RIGHT, WRONG):
            stack.correct(key, mapping)
            stack.collect(twice=True)
            for report in stack.reports():
                assert_counts(report)
    assert rows("SELECT count(*) FROM reviews") == [(60,)]


def test_an_object_that_is_gone_keeps_its_rows_and_says_what_it_lost(world, rows, assert_counts):
    stack = Stack(world)
    for key in KEYS[:2]:
        stack.read(key, WRONG if key == KEYS[0] else RIGHT)
    stack.finish()
    stack.world.raw.delete(KEYS[1])
    stack.correct()
    stack.finish()
    gone = assert_counts(stack.reports()[0])
    assert (gone.key, gone.status) == (KEYS[1], IngestStatus.PROCESSED)
    assert any("no longer stored" in warning for warning in gone.warnings)
    stack.finish()
    assert rows("SELECT count(*) FROM shards WHERE recheck_after IS NOT NULL") == [(0,)]


def test_rows_of_a_failed_ingest_are_stored_as_well(world, rows, assert_counts):
    stack = Stack(world)
    rows_read = [shop_row(number) for number in range(40)]
    stack.read(KEYS[0], WRONG, as_csv(rows_read))
    stack.read(KEYS[1], WRONG, as_csv(rows_read[::-1]))
    failed = stack.reports()[0].ingest_id
    stack.world.dependencies.ledger.fail(failed, "decompression_limit", "too large")
    stack.correct()
    stack.finish()
    assert assert_counts(stack.reports()[0]).stored == 40
    assert rows("SELECT count(*) FROM reviews") == [(80,)]


def test_embeddings_that_a_worker_writes_last_go_with_their_shard(world, monkeypatch):
    dependencies = world.dependencies
    dependencies.clean.put(clean_shard("ing_1", 0), b"left the ledger")
    lock = dependencies.database.lock

    def lock_after_a_write(name):
        dependencies.artefacts.put(embedding_shard("m1", "ing_1", 0), b"written before its release")
        return lock(name)

    monkeypatch.setattr(dependencies.database, "lock", lock_after_a_write)
    assert delete_orphans(dependencies, "ing_1")
    assert list(dependencies.artefacts.list("")) == list(dependencies.clean.list("")) == []
