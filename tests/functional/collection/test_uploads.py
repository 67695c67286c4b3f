"""Uploads through the API: what is signed, what is refused, and how an upload is found again."""

import json
from base64 import b64decode
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from lambdas.collection.api import create_app
from lambdas.collection.mapping import mapping_for

GOOD = {"filename": "reviews (1).jsonl.gz", "bytes": 1000}


@pytest.fixture
def http(world):
    return TestClient(create_app(world.ports))


def test_an_upload_is_signed_for_its_own_place_and_length(http):
    told = http.post("/uploads", json=GOOD).json()
    assert told["method"] == "POST"
    assert told["key"].startswith("uploads/web/")
    assert told["key"].endswith("/reviews (1).jsonl.gz")
    assert told["fields"]["key"] == told["key"]
    conditions = json.loads(b64decode(told["fields"]["policy"]))["conditions"]
    assert ["content-length-range", 1, 1000] in conditions
    assert told["max_bytes"] == 1000
    left = datetime.fromisoformat(told["expires_at"]) - datetime.now(UTC)
    assert 0 < left.total_seconds() <= 900


def test_the_same_name_twice_gets_two_places(http):
    keys = {http.post("/uploads", json=GOOD).json()["key"] for _ in range(3)}
    assert len(keys) == 3


def test_a_mapping_lies_where_collection_looks_for_it(http, world):
    told = http.post("/uploads", json={**GOOD, "mapping": {"text": "Meinung", "rating": "Ä"}})
    assert mapping_for(world.raw, told.json()["key"]) == {"text": "Meinung", "rating": "Ä"}


def test_without_a_mapping_none_is_stored(http, world):
    http.post("/uploads", json=GOOD)
    assert list(world.raw.list("")) == []


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "../x", "a/b", "a\\b", ".hidden", "a\0b", "a\nb", "${filename}", "x" * 201),
        *("mapping.json", "a.mapping.json", "a<b>.csv", "a.csv ", "a%2fb", "\u202ecsv.exe"),
    ],
)
def test_a_name_that_is_no_plain_file_name_is_refused(http, name):
    answer = http.post("/uploads", json={**GOOD, "filename": name})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "filename"


@pytest.mark.parametrize("name", ["äöü.csv", "дамп.jsonl", "a b+c=d@e,f-g_h(i)[j].tar"])
def test_names_of_any_language_are_taken(http, name):
    assert http.post("/uploads", json={**GOOD, "filename": name}).json()["key"].endswith(f"/{name}")


@pytest.mark.parametrize("length", [0, -1, 2**30 + 1, 2**60, "x", None])
def test_a_length_that_cannot_be_is_refused(http, length):
    answer = http.post("/uploads", json={**GOOD, "bytes": length})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "bytes"


def test_the_operator_says_how_long_an_upload_may_be(world):
    http = TestClient(create_app(world.having(max_upload_bytes=999).ports))
    assert "999" in http.post("/uploads", json=GOOD).json()["detail"]
    assert http.post("/uploads", json={**GOOD, "bytes": 999}).status_code == 200


@pytest.mark.parametrize(
    "mapping", [{}, {"colour": "x"}, {"text": ""}, {"text": 5}, {"text": "x" * 257}, "text=x"]
)
def test_a_mapping_that_nobody_could_read_is_refused(http, world, mapping):
    answer = http.post("/uploads", json={**GOOD, "mapping": mapping})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("mapping")
    assert list(world.raw.list("")) == []


def test_an_upload_is_found_by_its_key(http, world, make_review, make_dump):
    key = http.post("/uploads", json=GOOD).json()["key"]
    assert http.get("/collect", params={"key": key}).json() == {"ingests": []}
    world.collect("uploads/another", make_dump([make_review(9)]))
    report = world.collect(key, make_dump([make_review(1), make_review(2)]))
    (found,) = http.get("/collect", params={"key": key}).json()["ingests"]
    assert (found["ingest_id"], found["stored"]) == (report.ingest_id, 2)


def test_all_versions_of_an_object_are_found_newest_first(http, world, make_review, make_dump):
    first = world.collect("uploads/a", make_dump([make_review(1)]))
    second = world.collect("uploads/a", make_dump([make_review(2)]))
    found = http.get("/collect", params={"key": "uploads/a"}).json()["ingests"]
    assert [one["ingest_id"] for one in found] == [second.ingest_id, first.ingest_id]
    found = http.get("/collect", params={"key": "uploads/a", "limit": 1}).json()["ingests"]
    assert len(found) == 1


@pytest.mark.parametrize("key", ["a\0b", "x" * 1025])
def test_a_key_that_s3_cannot_hold_is_refused(http, key):
    answer = http.get("/collect", params={"key": key})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "key"
