"""The HTTP routes of collection."""

import pytest
from fastapi.testclient import TestClient

from lambdas.collection.api import create_app
from lambdas.collection.arrivals import parse_arrivals
from shared.db.connection import Database
from shared.http import fitting
from tests.paging import read_pages

MESSAGE = "Data collection process started in the background"


@pytest.fixture
def http(world):
    return TestClient(create_app(lambda: world.dependencies))


@pytest.fixture
def collected(world, make_review, make_dump):
    bad = [make_review(n, text="") for n in range(100, 130)]
    return world.collect("uploads/a", make_dump([make_review(n) for n in range(60)] + bad))


def test_collect_queues_uncollected_dumps(http, world, collected, make_review, make_dump):
    world.put("uploads/a b+ü", make_dump([make_review(1)]))
    world.put("uploads/sub/c", make_dump([make_review(2)]))
    world.raw.put("uploads/other/mapping.json", b"{}")
    world.raw.put("elsewhere/d", b"x")
    response = http.post("/collect", json={"source": "s3"})
    assert response.status_code == 202
    accepted = response.json()
    assert (accepted["message"], accepted["objects"]) == (MESSAGE, 2)
    assert accepted["ingest_id"] == accepted["ingest_ids"][0]
    queued = [parse_arrivals(body)[0] for body in world.dependencies.collection_queue.take()]
    assert [arrival.key for arrival in queued] == ["uploads/a b+ü", "uploads/sub/c"]
    assert http.get(f"/collect/{accepted['ingest_id']}").json()["status"] == "received"
    for arrival in queued:
        world.collector.collect(arrival)
    assert http.post("/collect").json() == {
        "message": MESSAGE,
        "ingest_id": None,
        "ingest_ids": [],
        "objects": 0,
        "next_after": None,
    }


def test_collect_pages_through_a_prefix_with_thousands_of_objects(http, world):
    keys = [f"uploads/many/{n:04d}" for n in range(2345)]
    for key in keys:
        world.raw.put(key, b"x")
    accepted = http.post("/collect", json={"prefix": "many/"}).json()
    assert (accepted["objects"], accepted["next_after"]) == (2345, None)
    bodies = world.dependencies.collection_queue.take()
    assert [parse_arrivals(body)[0].key for body in bodies] == keys


def test_collect_continues_where_its_time_ended(http, world, monkeypatch):
    monkeypatch.setattr("lambdas.collection.api._QUEUEING_SECONDS", 0.0)
    keys = [f"uploads/many/{n:04d}" for n in range(250)]
    for key in keys:
        world.raw.put(key, b"x")
    counts, after = [], None
    for _ in range(10):
        accepted = http.post("/collect", json={"prefix": "many/", "after": after}).json()
        counts.append(accepted["objects"])
        if (after := accepted["next_after"]) is None:
            break
    assert counts == [100, 100, 50, 0]
    bodies = world.dependencies.collection_queue.take()
    assert [parse_arrivals(body)[0].key for body in bodies] == keys


def test_collect_limits_to_a_prefix_and_retries_failed_ingests(http, world):
    assert world.collect("uploads/x/bad", b"").error_code == "empty_object"
    world.collect("uploads/y/bad", b"")
    assert http.post("/collect", json={"prefix": "x/"}).json()["objects"] == 1


def test_another_bucket_as_source_is_rejected(http):
    response = http.post("/collect", json={"source": "s3://elsewhere/"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "source"


@pytest.mark.parametrize(
    ("field", "value"), [("prefix", "a\0"), ("source", "s3://raw/\0"), ("source", "s3\0")]
)
def test_a_nul_is_rejected_with_its_field(http, field, value):
    response = http.post("/collect", json={field: value})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


def test_a_key_with_a_nul_does_not_block_other_keys(http, world, make_review, make_dump):
    world.put("uploads/a\0b", make_dump([make_review(1)]))
    world.put("uploads/b", make_dump([make_review(1)]))
    assert http.post("/collect").json()["objects"] == 1


def test_a_report_has_the_counts_and_the_first_rejects(http, collected):
    report = http.get(f"/collect/{collected.ingest_id}").json()
    assert (report["rows_read"], report["stored"], report["duplicates"], report["rejected"]) == (
        *(90, 60, 0),
        30,
    )
    assert report["rejects_by_reason"] == {"text_missing": 30}
    assert len(report["rejects"]) == 20
    assert report["rejects"][0]["record"] == 61


def test_rejects_are_paged(http, collected):
    records, after = [], 0
    while after is not None:
        page = http.get(
            f"/collect/{collected.ingest_id}/rejects", params={"after": after, "limit": 8}
        ).json()
        records += [reject["record"] for reject in page["rejects"]]
        after = page["next_after"]
    assert records == list(range(61, 91))


def test_recent_ingests_come_newest_first(http, world, collected, make_review, make_dump):
    world.collect("uploads/later", make_dump([make_review(500)]))
    keys = [ingest["key"] for ingest in http.get("/collect").json()["ingests"]]
    assert keys == ["uploads/later", "uploads/a"]
    assert len(http.get("/collect", params={"limit": 1}).json()["ingests"]) == 1


@pytest.mark.parametrize("path", ["/collect/ing_none", "/collect/ing_none/rejects", "/collect/%00"])
def test_an_unknown_ingest_is_not_found(http, path):
    response = http.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "limit=0", "limit=1001", f"after={2**70}"]
)
def test_invalid_paging_parameters_are_rejected(http, collected, query):
    assert http.get(f"/collect/{collected.ingest_id}/rejects?{query}").status_code == 422


def test_health_checks_the_database(http, world, tmp_path):
    ok = {"status": "ok", "detail": None}
    assert http.get("/health").json()["checks"] == {"database": ok, "backlog": ok}
    secret = {"host": str(tmp_path), "port": 1, "username": "u", "password": "p", "dbname": "d"}
    unreachable = world.replace(database=Database(lambda: secret, wait_seconds=0.2))
    assert (
        TestClient(create_app(lambda: unreachable.dependencies)).get("/health").status_code == 503
    )


@pytest.mark.parametrize("query", [{}, {"key": "uploads/0"}], ids=["all", "one object"])
def test_pages_of_ingests_lose_and_double_nothing(http, world, make_review, make_dump, query):
    for version in range(3):
        for key in range(3):
            world.collect(f"uploads/{key}", make_dump([make_review(10 * version + key)]))
    whole = http.get("/collect", params=query).json()
    assert len(whole["ingests"]) == (3 if query else 9)
    for limit in (1, 2, 9):
        pages = read_pages(http, "/collect", "ingests", limit=limit, **query)
        assert [ingest for page in pages for ingest in page] == whole["ingests"]


def test_long_reports_and_rejects_make_short_pages(http, world, make_review, make_dump, small):
    bad = [make_review(n, text="", title="x" * 3000) for n in range(100)]
    for number in range(5):
        world.collect(f"uploads/{number}", make_dump([make_review(number), *bad]))
    with world.dependencies.database.transaction() as connection:
        connection.execute("UPDATE ingests SET warnings = to_jsonb(ARRAY[repeat('w', 30000)])")
    pages = read_pages(http, "/collect", "ingests")
    assert [len(page) for page in pages] == [1, 1, 1, 1, 1]
    ingest_id, records, after = pages[0][0]["ingest_id"], [], 0
    count = 0
    while after is not None:
        query = {"after": after, "limit": 1000}
        page = http.get(f"/collect/{ingest_id}/rejects", params=query).json()
        records += [reject["record"] for reject in page["rejects"]]
        after, count = page["next_after"], count + 1
    assert records == list(range(2, 102))
    assert count > 1


@pytest.fixture
def small(monkeypatch):
    """Answers of at most 40 kB, apart from the fields beside the list."""
    size = 40_000 + fitting._OTHER_FIELDS_BYTES
    monkeypatch.setattr(fitting, "MAX_ANSWER_BYTES", size)
