"""Damaged bytes are kept, and a record lists them until the object is healed."""

import pytest

from shared.storage import layout, quarantine, verify
from tests.fakes.objects import MemoryStore


@pytest.fixture
def records():
    return MemoryStore("artefacts")


def test_a_damaged_object_is_moved_and_its_bytes_are_kept(records):
    clean = MemoryStore("clean")
    clean.put("reviews/i/part-0", b"damaged")
    damage = verify.corrupt(clean, "reviews/i/part-0", "it has no rows")
    quarantine.set_aside(records, clean, damage, "the dump is read again")
    (record,) = quarantine.open_records(records)
    assert (record.bucket, record.key, record.reason) == (
        *("clean", "reviews/i/part-0", "it has no rows"),
    )
    assert record.action == "the dump is read again"
    assert [info.key for info in clean.list("")] == [record.copy_key]
    assert clean.get(record.copy_key)[0] == b"damaged"


def test_an_object_damaged_again_keeps_its_time_and_both_copies(records):
    for body in (b"one", b"two"):
        records.put("k", body)
        quarantine.set_aside(records, records, verify.corrupt(records, "k", "bad"), "embed")
    (record,) = quarantine.open_records(records)
    copies = [info.key for info in records.list(f"{layout.QUARANTINE}objects/")]
    assert sorted(records.get(key)[0] for key in copies) == [b"one", b"two"]
    first = quarantine.record(records, verify.missing(records, "k"), "embed")
    assert (first.found_at, first.copy_key) == (record.found_at, record.copy_key)
    assert (first.problem, first.reason) == ("corrupt", "bad")


def test_a_missing_object_has_a_record_and_no_copy(records):
    quarantine.set_aside(records, records, verify.missing(records, "k"), "embed")
    (record,) = quarantine.open_records(records)
    assert (record.problem, record.copy_key) == ("missing", None)


def test_a_healed_record_is_kept_and_no_longer_open(records):
    record = quarantine.record(records, verify.missing(records, "k"), "embed")
    quarantine.heal(records, record)
    assert quarantine.open_records(records) == []
    assert quarantine.find(records, "artefacts", "k") is None
    (kept,) = records.list(layout.HEALED_DAMAGES)
    assert b'"healed_at"' in records.get(kept.key)[0]


def test_a_record_that_cannot_be_read_is_listed(records):
    key = layout.open_damage("artefacts", "k")
    records.put(key, b"{")
    (record,) = quarantine.open_records(records)
    assert record.key == key
    assert quarantine.find(records, "artefacts", "k") is None
