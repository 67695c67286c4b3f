"""PostgreSQL stops or dies: what goes on without it, and how it comes back."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import pytest

from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import counts, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


def test_reading_goes_on_while_the_database_is_stopped(new_stack):
    stack = new_stack().start()
    made = amazon_2014(60, flawed=False)
    ingest_id = stack.put("before.json", made.body)
    stack.wait_for(ingest_id)
    version = stack.wait_for_index()
    server = psutil.Process(stack.child("postgres"))
    server.send_signal(signal.SIGINT)
    wait_until(lambda: not server.is_running(), what="end of PostgreSQL")

    for _ in range(3):
        found = stack.post("/analyze", {"query_text": "The kettle broke."})
        assert found["index_version"] == version
        assert found["similar_reviews"]
        assert stack.post("/search_similar", {"query_text": "a tent", "top_k": 3})["results"]
    paths = ["/products", "/reviews", f"/collect/{ingest_id}"]
    with stack.client() as client, ThreadPoolExecutor(len(paths)) as pool:
        for answer in pool.map(client.get, paths):
            assert answer.status_code == 503, answer.url
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] == "unavailable"
            assert answer.headers["retry-after"]
    health = stack.get("/health")
    assert health["status"] == "degraded"
    told = {name: body["status"] for name, body in health["services"].items()}
    assert told["inference"] == told["retrieval"] == "ok"
    assert told["insights"] == told["collection"] == "unavailable"
    assert not server.is_running()  # somebody stopped it in order: it stays down

    # an upload meanwhile is kept, and taken up when the stack starts again
    later = amazon_2014(80, flawed=False)
    second = stack.put("meanwhile.json", later.body)
    stack.stop()
    stack.start()
    assert counts(stack.wait_for(second)) == (80, 20, 60, 0)
    stack.wait_for_index()
    assert stack.get("/health")["status"] == "ok"


def test_a_killed_database_starts_again_and_the_ingest_completes(new_stack):
    stack = new_stack(REVIEWLENS_BATCH_ROWS="2000").start()
    stack.wait_for(stack.put("first.json", amazon_2014(40, seed="b").body))
    stack.wait_for_index()
    made = amazon_2014(30_000)
    with requests_without_pause(stack) as answers:
        ingest_id = stack.put("large.json", made.body)
        wait_until(
            lambda: (stack.report(ingest_id) or {"rows_read": 0})["rows_read"], what="some rows"
        )
        pid = stack.child("postgres")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: stack.child("postgres") != pid, what="a new server")
        wait_until(lambda: stack.get("/health")["status"] == "ok", what="good health")

        def collected():
            with stack.client() as client:
                report = client.get(f"/collect/{ingest_id}").json()
            return report if report["status"] in {"collected", "processed"} else None

        report = wait_until(collected, what="the end of the ingest")
    assert counts(report) == made.counts
    stored = stack.rows(
        "SELECT record FROM reviews WHERE ingest_id = %s ORDER BY record", ingest_id
    )
    assert [record for (record,) in stored] == made.stored
    assert {status for path, status in answers if path.startswith("/analyze")} == {200}
    assert {status for path, status in answers if path == "/products"} <= {200, 503}

    # the new server belongs to the stack as the first one did: it ends with it
    stack.kill()


@contextmanager
def requests_without_pause(stack):
    """Ask and ask again while the block runs; gives (path, status) of every answer."""
    answers, ended = [], threading.Event()

    def ask(method, path, body):
        with stack.client() as client:
            while not ended.is_set():
                answers.append((path, client.request(method, path, json=body).status_code))

    asked = [("GET", "/products", None), ("POST", "/analyze", {"query_text": "a fine kettle"})]
    threads = [threading.Thread(target=ask, args=arguments) for arguments in asked]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        ended.set()
        for thread in threads:
            thread.join()
