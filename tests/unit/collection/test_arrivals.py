"""Parsing S3 notifications into arrivals."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.collection.arrivals import (
    Arrival,
    build_notifications,
    is_dump,
    parse_arrivals,
)
from lambdas.collection.queueing import upload_prefix
from shared.errors import InvalidInputError
from shared.storage.layout import is_mapping
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


def test_the_test_event_has_no_arrivals():
    assert parse_arrivals(json.dumps(TEST_EVENT)) == []


EVENTS = Path(__file__).resolve().parents[2] / "events"
CREATED = Arrival(
    "reviewlens-raw",
    "uploads/spring 2026/café reviews.jsonl.gz",
    "d41d8cd98f00b204e9800998ecf8427e",
)


def message_bodies(name):
    """The queue messages of an event, or the event itself if it did not pass through a queue."""
    text = (EVENTS / f"{name}.json").read_text()
    records = json.loads(text).get("Records", [])
    queued = [entry["body"] for entry in records if entry.get("eventSource") == "aws:sqs"]
    return queued or [text]


@pytest.mark.parametrize(
    "name",
    [
        "sqs_s3_object_created",
        "sqs_sns_object_created",
        "sqs_eventbridge_object_created",
        "sqs_sns_eventbridge_object_created",
        "s3_object_created",
        "sns_object_created",
        "eventbridge_object_created",
    ],
)
def test_an_object_is_found_in_every_envelope(name):
    (message,) = message_bodies(name)
    assert parse_arrivals(message) == [CREATED]


@pytest.mark.parametrize(
    "name",
    [
        "sqs_s3_test_event",
        "sqs_sns_test_event",
        "sqs_eventbridge_test_event",
        "s3_test_event",
        "sns_test_event",
    ],
)
def test_the_test_event_has_no_arrivals_in_any_envelope(name):
    (message,) = message_bodies(name)
    assert parse_arrivals(message) == []


def test_a_deleted_object_on_the_event_bus_is_no_arrival():
    event = json.loads((EVENTS / "eventbridge_object_created.json").read_text())
    assert parse_arrivals(json.dumps({**event, "detail-type": "Object Deleted"})) == []


def test_a_plus_in_a_key_from_the_event_bus_is_kept():
    event = json.loads((EVENTS / "eventbridge_object_created.json").read_text())
    event["detail"]["object"]["key"] = "uploads/a+b%20c"
    assert parse_arrivals(json.dumps(event))[0].key == "uploads/a+b%20c"


def nested_envelopes(depth):
    message = json.dumps(TEST_EVENT)
    for _ in range(depth):
        message = json.dumps({"Type": "Notification", "Message": message})
    return message


def test_every_record_is_parsed_and_its_key_decoded():
    arrivals = parse_arrivals(body(record("uploads/a+b%C3%BC.gz"), record("uploads/c", etag="f")))
    assert arrivals == [Arrival("raw", "uploads/a bü.gz", "e"), Arrival("raw", "uploads/c", "f")]


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
def test_objects_that_are_not_dumps_are_ignored(other):
    assert parse_arrivals(body(other, record("uploads/a"))) == [Arrival("raw", "uploads/a", "e")]


def test_a_dump_may_have_a_name_similar_to_a_mapping():
    for name in ("site-mapping.json", "mapping.json.gz", "mapping.json/a", "Mapping.json"):
        assert is_dump(f"uploads/{name}")
        assert not is_mapping(f"uploads/{name}")
    assert is_mapping("mapping.json")
    assert is_mapping("uploads/a/.mapping.json")


def test_a_key_with_a_nul_is_not_a_dump_and_is_logged(caplog):
    assert not is_dump("uploads/a\0b")
    assert "NUL" in caplog.text


@pytest.mark.parametrize(
    "name", ["s3:ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Copy", "ObjectCreated:Post"]
)
def test_every_object_created_event_is_parsed(name):
    assert len(parse_arrivals(body(record("uploads/a", name=name)))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "no json",
        '{"Records": [{}]}',
        '{"Records": 3}',
        '{"Type": "Notification", "Message": "hello"}',
        '{"Type": "Notification", "Message": 3}',
        '{"Type": "SubscriptionConfirmation", "Message": "confirm"}',
        '{"Records": [{"Sns": {}}]}',
        '{"source": "aws.s3", "detail-type": "Object Created", "detail": {}}',
        "[" * 100_000,
        nested_envelopes(9),
    ],
)
def test_another_message_is_rejected(text):
    with pytest.raises(InvalidInputError):
        parse_arrivals(text)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_built_notifications_are_parsed_back(name):
    key = f"uploads/{name}"
    (message,) = build_notifications("raw", [ObjectInfo(key, "e", 1)])
    expected = [Arrival("raw", key, "e")] if is_dump(key) else []
    assert parse_arrivals(message.model_dump_json()) == expected


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
def test_a_prefix_is_below_uploads(source, prefix, expected):
    assert upload_prefix("raw", source, prefix) == expected


@pytest.mark.parametrize(
    ("source", "prefix", "field"),
    [
        ("https://example.com", None, "source"),
        ("s3://other/uploads/", None, "source"),
        ("raw", None, "source"),
        ("s3://raw/uploads/a", "b", "prefix"),
    ],
)
def test_an_invalid_source_or_prefix_is_rejected_with_its_field(source, prefix, field):
    with pytest.raises(InvalidInputError) as raised:
        upload_prefix("raw", source, prefix)
    assert raised.value.details == {"field": field}
