"""S3's events become arrivals, whatever S3 puts into a queue."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.collection.arrivals import (
    Arrival,
    arrivals_of,
    is_dump,
    is_mapping,
    notifications_of,
)
from lambdas.collection.queueing import prefix_of
from shared.errors import InvalidInputError
from shared.storage.objects import ObjectInfo

TEST_EVENT = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2026-01-01T00:00:00.000Z",
    "Bucket": "raw",
    "RequestId": "R",
    "HostId": "H",
}


def record(key, name="ObjectCreated:Put", etag="e"):
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {"bucket": {"name": "raw"}, "object": {"key": key, "size": 1, "eTag": etag}},
    }


def body(*records):
    return json.dumps({"Records": records})


def test_the_test_event_is_no_arrival():
    assert arrivals_of(json.dumps(TEST_EVENT)) == []


def test_keys_are_decoded_and_every_record_counts():
    got = arrivals_of(body(record("uploads/a+b%C3%BC.gz"), record("uploads/c", etag="f")))
    assert got == [Arrival("raw", "uploads/a bü.gz", "e"), Arrival("raw", "uploads/c", "f")]


@pytest.mark.parametrize(
    "other",
    [
        record("elsewhere/a"),
        record("uploads/"),
        record("uploads/folder/"),
        record("uploads/mapping.json"),
        record("uploads/a.csv.mapping.json"),
        record("uploads/sub/mapping.json"),
        record("uploads/a%00b"),
        record("uploads/a", name="ObjectRemoved:Delete"),
    ],
)
def test_what_is_no_dump_is_left_alone(other):
    assert arrivals_of(body(other, record("uploads/a"))) == [Arrival("raw", "uploads/a", "e")]


def test_a_dump_may_be_called_almost_like_a_mapping():
    for name in ("site-mapping.json", "mapping.json.gz", "mapping.json/a", "Mapping.json"):
        assert is_dump(f"uploads/{name}")
        assert not is_mapping(f"uploads/{name}")
    assert is_mapping("mapping.json")
    assert is_mapping("uploads/a/.mapping.json")


def test_a_key_that_no_ledger_can_hold_is_no_dump_and_told(caplog):
    assert not is_dump("uploads/a\0b")
    assert "NUL" in caplog.text


@pytest.mark.parametrize(
    "name", ["s3:ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Copy", "ObjectCreated:Post"]
)
def test_every_way_of_creating_an_object_counts(name):
    assert len(arrivals_of(body(record("uploads/a", name=name)))) == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", "no json", '{"Records": [{}]}', '{"Records": 3}'])
def test_a_message_of_another_kind_is_refused(text):
    with pytest.raises(InvalidInputError):
        arrivals_of(text)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_what_we_queue_we_understand(name):
    key = f"uploads/{name}"
    (message,) = notifications_of("raw", [ObjectInfo(key, "e", 1)])
    expected = [Arrival("raw", key, "e")] if is_dump(key) else []
    assert arrivals_of(message.model_dump_json()) == expected


@pytest.mark.parametrize(
    ("source", "prefix", "expected"),
    [
        (None, None, "uploads/"),
        ("s3", "", "uploads/"),
        ("s3", "2024/", "uploads/2024/"),
        (None, "uploads/2024/", "uploads/2024/"),
        (None, "/uploads/2024", "uploads/2024"),
        ("s3://raw", None, "uploads/"),
        ("s3://raw/uploads/x", None, "uploads/x"),
        ("s3://raw/", "x", "uploads/x"),
        (None, "uploads", "uploads/"),
        (None, "/uploads/", "uploads/"),
        ("s3://raw/uploads", None, "uploads/"),
        (None, "u", "uploads/u"),
        (None, "up", "uploads/up"),
        ("s3://raw/upload", None, "uploads/upload"),
    ],
)
def test_a_prefix_is_looked_for_below_uploads(source, prefix, expected):
    assert prefix_of("raw", source, prefix) == expected


@pytest.mark.parametrize(
    ("source", "prefix", "field"),
    [
        ("https://example.com", None, "source"),
        ("s3://other/uploads/", None, "source"),
        ("raw", None, "source"),
        ("s3://raw/uploads/a", "b", "prefix"),
        (None, "a\0", "prefix"),
        ("s3://raw/\0", None, "source"),
        ("s3://raw/uploads/a\0b", None, "source"),
    ],
)
def test_another_source_is_refused_by_the_name_of_its_field(source, prefix, field):
    with pytest.raises(InvalidInputError) as refused:
        prefix_of("raw", source, prefix)
    assert refused.value.details == {"field": field}
