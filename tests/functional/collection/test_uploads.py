"""Uploads through the API: signing, validation, and finding the ingest of an upload."""

import json
from base64 import b64decode
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from lambdas.collection.api import create_app
from lambdas.collection.mapping import find_mapping

GOOD = {"filename": "reviews (1).jsonl.gz", "bytes": 1000}


@pytest.fixture
def http(world):
    return TestClient(create_app(lambda: world.dependencies))


def test_an_upload_is_signed_for_its_key_and_length(http):
    target = http.post("/uploads", json=GOOD).json()
    assert target["method"] == "POST"
    assert target["key"].startswith("uploads/web/")
    assert target["key"].endswith("/reviews (1).jsonl.gz")
    assert target["fields"]["key"] == target["key"]
    conditions = json.loads(b64decode(target["fields"]["policy"]))["conditions"]
    assert ["content-length-range", 1, 1000] in conditions
    assert target["max_bytes"] == 1000
    lifetime = datetime.fromisoformat(target["expires_at"]) - datetime.now(UTC)
    assert 0 < lifetime.total_seconds() <= 900


def test_uploads_with_the_same_name_get_different_keys(http):
    keys = {http.post("/uploads", json=GOOD).json()["key"] for _ in range(3)}
    assert len(keys) == 3


def test_a_mapping_is_stored_where_collection_finds_it(http, world):
    response = http.post("/uploads", json={**GOOD, "mapping": {"text": "Meinung", "rating": "Ä"}})
    assert find_mapping(world.raw, response.json()["key"]) == {"text": "Meinung", "rating": "Ä"}


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
def test_a_name_that_is_not_a_plain_file_name_is_rejected(http, name):
    response = http.post("/uploads", json={**GOOD, "filename": name})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "filename"


@pytest.mark.parametrize("name", ["äöü.csv", "дамп.jsonl", "a b+c=d@e,f-g_h(i)[j].tar"])
def test_names_of_any_language_are_accepted(http, name):
    assert http.post("/uploads", json={**GOOD, "filename": name}).json()["key"].endswith(f"/{name}")


@pytest.mark.parametrize("length", [0, -1, 2**30 + 1, 2**60, "x", None])
def test_an_invalid_length_is_rejected(http, length):
    response = http.post("/uploads", json={**GOOD, "bytes": length})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "bytes"


def test_the_upload_limit_is_configurable(world):
    limited = world.replace(max_upload_bytes=999)
    http = TestClient(create_app(lambda: limited.dependencies))
    assert "999" in http.post("/uploads", json=GOOD).json()["detail"]
    assert http.post("/uploads", json={**GOOD, "bytes": 999}).status_code == 200


def test_uploads_may_go_to_the_host_that_the_caller_asks(http, world):
    (signed,) = {http.post("/uploads", json=GOOD).json()["url"]}
    behind = world.replace(uploads_at_api=True)
    for host in ("http://proxy:8080", "http://localhost"):
        http = TestClient(create_app(lambda: behind.dependencies), base_url=host)
        assert http.post("/uploads", json=GOOD).json()["url"] == f"{host}/{world.raw.bucket}"
    assert signed != f"{host}/{world.raw.bucket}"


@pytest.mark.parametrize(
    "mapping", [{}, {"colour": "x"}, {"text": ""}, {"text": 5}, {"text": "x" * 257}, "text=x"]
)
def test_an_invalid_mapping_is_rejected(http, world, mapping):
    response = http.post("/uploads", json={**GOOD, "mapping": mapping})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith("mapping")
    assert list(world.raw.list("")) == []


def test_an_upload_is_found_by_its_key(http, world, make_review, make_dump):
    key = http.post("/uploads", json=GOOD).json()["key"]
    assert http.get("/collect", params={"key": key}).json()["ingests"] == []
    world.collect("uploads/another", make_dump([make_review(9)]))
    report = world.collect(key, make_dump([make_review(1), make_review(2)]))
    (ingest,) = http.get("/collect", params={"key": key}).json()["ingests"]
    assert (ingest["ingest_id"], ingest["stored"]) == (report.ingest_id, 2)


def test_all_versions_of_an_object_are_found_newest_first(http, world, make_review, make_dump):
    first = world.collect("uploads/a", make_dump([make_review(1)]))
    second = world.collect("uploads/a", make_dump([make_review(2)]))
    ingests = http.get("/collect", params={"key": "uploads/a"}).json()["ingests"]
    assert [ingest["ingest_id"] for ingest in ingests] == [second.ingest_id, first.ingest_id]
    ingests = http.get("/collect", params={"key": "uploads/a", "limit": 1}).json()["ingests"]
    assert len(ingests) == 1


@pytest.mark.parametrize("key", ["a\0b", "x" * 1025])
def test_an_invalid_key_is_rejected(http, key):
    response = http.get("/collect", params={"key": key})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "key"


def test_options_are_stored_with_the_columns(http, world):
    mapping = {"text": "Meinung", "rating_scale": "10"}
    response = http.post("/uploads", json={"filename": "a.csv", "bytes": 5, "mapping": mapping})
    assert find_mapping(world.raw, response.json()["key"]) == mapping


def test_a_mapping_may_contain_numbers(world):
    world.raw.put("uploads/a.csv.mapping.json", b'{"text": 2, "rating_scale": 10}')
    assert find_mapping(world.raw, "uploads/a.csv") == {"text": "2", "rating_scale": "10"}
