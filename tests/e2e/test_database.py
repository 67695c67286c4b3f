"""Service during an outage of PostgreSQL, and recovery from it."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import pytest

from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import PAUSE_SECONDS, counts, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_search_keeps_working_while_the_database_is_stopped(new_stack):
    stack = new_stack().start()
    dump = amazon_2014(60, flawed=False)
    ingest_id = stack.put("before.json", dump.body)
    stack.wait_for(ingest_id)
    version = stack.wait_for_index()
    server = psutil.Process(stack.child("postgres"))
    server.send_signal(signal.SIGINT)
    wait_until(lambda: not server.is_running(), what="end of PostgreSQL")

    for _ in range(3):
        analysis = stack.api.analyze("The kettle broke.")
        assert analysis.index_version == version
        assert analysis.similar_reviews
        assert stack.api.search("a tent", top_k=3).results
    paths = ["/products", "/reviews", f"/collect/{ingest_id}"]
    with stack.http() as client, ThreadPoolExecutor(len(paths)) as pool:
        for response in pool.map(client.get, paths):
            assert response.status_code == 503, response.url
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["code"] == "unavailable"
            assert response.headers["retry-after"]
    health = stack.api.health()
    assert health.status == "degraded"
    statuses = {name: service.status for name, service in health.services.items()}
    assert statuses["inference"] == statuses["retrieval"] == "ok"
    assert statuses["insights"] == statuses["collection"] == "unavailable"
    assert not server.is_running()  # it was stopped deliberately and stays down

    # an upload during the outage is kept and processed after the next start
    later = amazon_2014(80, flawed=False)
    second = stack.put("during-outage.json", later.body)
    stack.stop()
    stack.start()
    assert counts(stack.wait_for(second)) == (80, 20, 60, 0)
    stack.wait_for_index()
    wait_until(lambda: stack.api.health().status == "ok", what="health to be ok", every=0.25)


def test_a_killed_database_is_restarted_and_the_ingest_completes(new_stack):
    stack = new_stack(REVIEWLENS_BATCH_ROWS="1000").start()
    stack.wait_for(stack.put("first.json", amazon_2014(40, seed="b").body))
    stack.wait_for_index()
    dump = amazon_2014(15_000)
    with continuous_requests(stack) as responses:
        ingest_id = stack.put("large.json", dump.body)
        wait_until(
            lambda: (report := stack.report(ingest_id)) and report.rows_read, what="some rows"
        )
        pid = stack.child("postgres")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: stack.child("postgres") != pid, what="a new server")
        wait_until(lambda: stack.api.health().status == "ok", what="health to be ok", every=0.25)

        def collected():
            report = stack.report(ingest_id)
            return report if report.status in {"collected", "processed"} else None

        report = wait_until(collected, what="the end of the ingest")
    assert counts(report) == dump.counts
    stored = stack.rows(
        "SELECT record FROM reviews WHERE ingest_id = %s ORDER BY record", ingest_id
    )
    assert [record for (record,) in stored] == dump.stored
    assert {status for path, status in responses if path.startswith("/analyze")} == {200}
    assert {status for path, status in responses if path == "/products"} <= {200, 503}

    # the restarted server also ends with the stack
    stack.kill()


@contextmanager
def continuous_requests(stack):
    """Send requests continuously during the block; yields (path, status) of every response."""
    responses, ended = [], threading.Event()

    def send(method, path, body):
        with stack.http() as client:
            while not ended.is_set():
                responses.append((path, client.request(method, path, json=body).status_code))
                ended.wait(PAUSE_SECONDS)

    requests = [("GET", "/products", None), ("POST", "/analyze", {"query_text": "a fine kettle"})]
    threads = [threading.Thread(target=send, args=arguments) for arguments in requests]
    for thread in threads:
        thread.start()
    try:
        yield responses
    finally:
        ended.set()
        for thread in threads:
            thread.join()
