"""The HTTP routes of collection."""

import pytest
from fastapi.testclient import TestClient

from lambdas.collection.api import create_app
from lambdas.collection.arrivals import arrivals_of
from shared.db.connection import Database

MESSAGE = "Data collection process started in the background"


@pytest.fixture
def http(world):
    return TestClient(create_app(world.ports))


@pytest.fixture
def collected(world, make_review, make_dump):
    bad = [make_review(n, rating=7) for n in range(100, 130)]
    return world.collect("uploads/a", make_dump([make_review(n) for n in range(60)] + bad))


def test_collect_queues_what_is_not_collected_yet(http, world, collected, make_review, make_dump):
    world.put("uploads/a b+ü", make_dump([make_review(1)]))
    world.put("uploads/sub/c", make_dump([make_review(2)]))
    world.raw.put("uploads/other/mapping.json", b"{}")
    world.raw.put("elsewhere/d", b"x")
    answer = http.post("/collect", json={"source": "s3"})
    assert answer.status_code == 202
    told = answer.json()
    assert (told["message"], told["objects"]) == (MESSAGE, 2)
    assert told["ingest_id"] == told["ingest_ids"][0]
    queued = [arrivals_of(body)[0] for body in world.ports.collection_queue.take()]
    assert [arrival.key for arrival in queued] == ["uploads/a b+ü", "uploads/sub/c"]
    assert http.get(f"/collect/{told['ingest_id']}").json()["status"] == "received"
    for arrival in queued:
        world.collector.collect(arrival)
    assert http.post("/collect").json() == {
        "message": MESSAGE,
        "ingest_id": None,
        "ingest_ids": [],
        "objects": 0,
    }


def test_collect_takes_a_prefix_and_tries_failed_ones_again(http, world):
    assert world.collect("uploads/x/bad", b"").error_code == "empty_object"
    world.collect("uploads/y/bad", b"")
    told = http.post("/collect", json={"prefix": "x/"}).json()
    assert told["objects"] == 1


def test_a_source_that_is_not_ours_is_refused_by_name(http):
    answer = http.post("/collect", json={"source": "s3://elsewhere/"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "source"


@pytest.mark.parametrize(
    ("field", "value"), [("prefix", "a\0"), ("source", "s3://raw/\0"), ("source", "s3\0")]
)
def test_a_nul_is_refused_by_the_name_of_its_field(http, field, value):
    answer = http.post("/collect", json={field: value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_a_key_that_no_ledger_can_hold_does_not_keep_the_others_from_being_queued(
    http, world, make_review, make_dump
):
    world.put("uploads/a\0b", make_dump([make_review(1)]))
    world.put("uploads/b", make_dump([make_review(1)]))
    assert http.post("/collect").json()["objects"] == 1


def test_a_report_has_the_counts_and_the_first_rejects(http, collected):
    told = http.get(f"/collect/{collected.ingest_id}").json()
    assert (told["rows_read"], told["stored"], told["duplicates"], told["rejected"]) == (
        *(90, 60, 0),
        30,
    )
    assert told["rejects_by_reason"] == {"rating_out_of_range": 30}
    assert len(told["rejects"]) == 20
    assert told["rejects"][0]["record"] == 61


def test_every_reject_can_be_read_page_by_page(http, collected):
    seen, after = [], 0
    while after is not None:
        page = http.get(
            f"/collect/{collected.ingest_id}/rejects", params={"after": after, "limit": 8}
        ).json()
        seen += [reject["record"] for reject in page["rejects"]]
        after = page["next_after"]
    assert seen == list(range(61, 91))


def test_recent_ingests_come_newest_first(http, world, collected, make_review, make_dump):
    world.collect("uploads/later", make_dump([make_review(500)]))
    keys = [ingest["key"] for ingest in http.get("/collect").json()["ingests"]]
    assert keys == ["uploads/later", "uploads/a"]
    assert len(http.get("/collect", params={"limit": 1}).json()["ingests"]) == 1


@pytest.mark.parametrize("path", ["/collect/ing_none", "/collect/ing_none/rejects", "/collect/%00"])
def test_an_unknown_ingest_is_not_found(http, path):
    answer = http.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "limit=0", "limit=1001", f"after={2**70}"]
)
def test_pages_that_cannot_be_are_refused(http, collected, query):
    assert http.get(f"/collect/{collected.ingest_id}/rejects?{query}").status_code == 422


def test_health_asks_the_database(http, world, tmp_path):
    assert http.get("/health").json()["checks"] == {"database": {"status": "ok", "detail": None}}
    secret = {"host": str(tmp_path), "port": 1, "username": "u", "password": "p", "dbname": "d"}
    gone = world.having(database=Database(lambda: secret, wait_seconds=0.2))
    assert TestClient(create_app(gone.ports)).get("/health").status_code == 503
