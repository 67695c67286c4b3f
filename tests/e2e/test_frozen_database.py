"""A PostgreSQL that is frozen (SIGSTOP) for a while, and continues."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import counts, wait_until
from tests.freezing import frozen

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_routes_fail_and_work_continues_after_the_freeze(new_stack):
    stack = new_stack(REVIEWLENS_BATCH_ROWS="120").start()
    first = stack.put("first.json", amazon_2014(60, flawed=False, seed="f").body)
    stack.wait_for(first)
    version = stack.wait_for_index()
    dump = amazon_2014(600)
    ingest_id = stack.put("large.json", dump.body)
    wait_until(lambda: (r := stack.report(ingest_id)) and r.shards_processed, what="some shards")
    with frozen(stack.child("postgres")):
        assert_only_the_database_is_missing(stack, first)
        assert stack.api.analyze("The kettle broke.").index_version is not None
        assert stack.api.search("a tent", top_k=3).results
    wait_until(lambda: stack.api.health().status == "ok", what="health to be ok", every=0.25)
    assert counts(stack.wait_for(ingest_id)) == dump.counts
    stored = stack.rows(
        "SELECT record FROM reviews WHERE ingest_id = %s ORDER BY record", ingest_id
    )
    assert [record for (record,) in stored] == dump.stored
    assert stack.wait_for_index() != version
    analysed = stack.count("SELECT count(*) FROM analyses")
    assert analysed == stack.count("SELECT count(*) FROM reviews")


def assert_only_the_database_is_missing(stack, ingest_id):
    paths = ["/collect", f"/collect/{ingest_id}", f"/collect/{ingest_id}/rejects"]
    paths += ["/products", "/reviews", "/trends", "/movers", "/segments", "/drift", "/aspects"]
    paths += [
        "/overview",
        "/duplicates",
        "/products/P1",
        "/products/P1/summary",
        "/status/train_20251016_001",
    ]
    with stack.http() as client, ThreadPoolExecutor(len(paths)) as pool:
        for _ in range(2):  # with the connections of the pool, and with new ones
            for response in pool.map(client.get, paths):
                assert response.status_code == 503, response.url
                assert response.json()["code"] == "unavailable"
                assert response.headers["retry-after"]
    health = stack.api.health()
    statuses = {name: service.status for name, service in health.services.items()}
    assert statuses["inference"] == statuses["retrieval"] == "ok"
    for name in ("insights", "collection", "processing", "training"):
        assert health.services[name].checks["database"].detail == "the database does not answer"
