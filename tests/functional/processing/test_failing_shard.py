"""A shard that cannot be processed fails after some attempts; everything else is indexed."""

import logging
import sys
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from cdk.environments import PROD
from lambdas.collection.sweep import sweep
from lambdas.processing import handler
from lambdas.processing.api import create_app
from lambdas.processing.service import Processor
from shared.db.ingest.attempts import begin_attempt
from shared.db.ingest.unfinished import missing_warnings
from shared.errors import UnavailableError
from shared.http import backoff
from shared.schemas.ingest import MAX_SHARD_ATTEMPTS
from shared.storage import clients
from tests.fakes.dependencies import collection_dependencies
from tests.fakes.encoder import WordEncoder
from tests.ingests import store_shard
from tests.simulated_day import GivenUp, SimulatedQueue, run_day


class Poisoned(WordEncoder):
    """Fails at the shards whose part is in ``parts``: with a bug, or with another error."""

    def __init__(self):
        super().__init__()
        self.error = RuntimeError("the text of a review")
        self.poison = ":1:"
        self.attempts = 0

    def encode(self, texts):
        if self.poison is not None and any(self.poison in text for text in texts):
            self.attempts += 1
            raise self.error
        return super().encode(texts)


@pytest.fixture
def encoder():
    return Poisoned()


@pytest.fixture
def poisoned(dependencies, encoder):
    """``poisoned()``: an ingest of three shards, of which the encoder cannot read the second."""

    def make(key="uploads/a", shards=3):
        ledger = dependencies.ledger
        ingest_id = ledger.receive("raw", key, "etag")
        ledger.start(ingest_id)
        messages = []
        for part in range(shards):
            reviews = [
                {"review_id": f"{key}:{part}:{n}", "record": part * 5 + n + 1, "source": "test",
                 "product_id": "p", "text": f"a thing :{part}: {n}"}
                for n in range(5)
            ]  # fmt: skip
            messages.append(
                store_shard(
                    *(dependencies.database, dependencies.clean, ingest_id, part, reviews),
                    fingerprint=f"f{part}",
                )
            )
        ledger.finish(ingest_id)
        return ingest_id, messages

    return make


def try_once(dependencies, message):
    try:
        Processor(dependencies).process(message)
    except Exception as error:  # noqa: BLE001 - as the handler does
        return error
    return None


def fail_for_good(dependencies, message):
    for _ in range(MAX_SHARD_ATTEMPTS):
        try_once(dependencies, message)


def test_after_the_last_attempt_a_shard_is_failed_and_the_rest_is_indexed(
    dependencies, poisoned, encoder, caplog
):
    ingest_id, messages = poisoned()
    for message in (messages[0], messages[2]):
        assert try_once(dependencies, message) is None
    errors = [try_once(dependencies, messages[1]) for _ in range(MAX_SHARD_ATTEMPTS)]
    assert [type(error) for error in errors[:-1]] == [RuntimeError] * (MAX_SHARD_ATTEMPTS - 1)
    assert errors[-1] is None, "its message is done"
    report = dependencies.ledger.report(ingest_id)
    assert (report.status, report.shards_processed) == ("processed_with_warnings", 2)
    (failed,) = report.failed_shards
    assert (failed.part, failed.rows, failed.attempts) == (1, 5, MAX_SHARD_ATTEMPTS)
    assert failed.reason == "internal_error: RuntimeError", "no text of a review"
    assert len(dependencies.index_queue.take()) == 1
    assert dependencies.ledger.all_processed()
    (line,) = [r for r in caplog.records if r.getMessage().startswith("shard given up:")]
    assert (line.levelno, line.ingest_id, line.part) == (logging.ERROR, ingest_id, 1)


def test_a_failed_shard_is_not_tried_again(dependencies, poisoned, encoder):
    ingest_id, (_, message, _) = poisoned()
    fail_for_good(dependencies, message)
    assert try_once(dependencies, message) is None
    assert encoder.attempts == MAX_SHARD_ATTEMPTS
    assert dependencies.ledger.stale_shards(0.0, 0.0) != []
    assert message not in dependencies.ledger.stale_shards(0.0, 0.0)
    assert message not in dependencies.ledger.open_shards(ingest_id)


def test_a_success_resets_the_attempts(dependencies, poisoned, encoder, rows):
    _, (_, message, _) = poisoned()
    for _ in range(MAX_SHARD_ATTEMPTS - 1):
        try_once(dependencies, message)
    encoder.poison = None
    assert try_once(dependencies, message) is None
    query = "SELECT attempts, failure, outages, failed_at FROM shards WHERE part = 1"
    assert rows(query) == [(0, None, 0, None)]


def test_a_killed_attempt_counts(dependencies, poisoned, encoder):
    """A worker that runs out of memory records nothing after it has begun."""
    ingest_id, (_, message, _) = poisoned()
    for _ in range(MAX_SHARD_ATTEMPTS):
        assert begin_attempt(dependencies.database, message, MAX_SHARD_ATTEMPTS)
    assert try_once(dependencies, message) is None
    assert encoder.attempts == 0
    (failed,) = dependencies.ledger.report(ingest_id).failed_shards
    assert "ran out of time or memory" in failed.reason


def test_an_outage_of_a_dependency_is_no_fault_of_the_shard(dependencies, poisoned, encoder, rows):
    _, (_, message, _) = poisoned()
    encoder.error = UnavailableError("the object store does not answer")
    for _ in range(3 * MAX_SHARD_ATTEMPTS):
        assert isinstance(try_once(dependencies, message), UnavailableError)
    assert rows("SELECT attempts, failed_at FROM shards WHERE part = 1") == [(0, None)]


def test_an_outage_without_end_fails_the_shard(dependencies, poisoned, encoder):
    ingest_id, (_, message, _) = poisoned()
    encoder.error = UnavailableError("the object store does not answer")
    with dependencies.database.transaction() as connection:
        connection.execute("UPDATE shards SET outages = 98")
    assert isinstance(try_once(dependencies, message), UnavailableError)
    assert try_once(dependencies, message) is None
    (failed,) = dependencies.ledger.report(ingest_id).failed_shards
    assert (failed.attempts, failed.reason) == (
        100,
        "unavailable: the object store does not answer",
    )


def test_the_limit_is_a_setting(dependencies, poisoned, encoder):
    ingest_id, (_, message, _) = poisoned()
    assert try_once(replace(dependencies, max_shard_attempts=1), message) is None
    assert dependencies.ledger.report(ingest_id).shards_failed == 1


def test_a_redrive_tries_failed_shards_again_and_can_be_repeated(dependencies, poisoned, encoder):
    ingest_id, messages = poisoned()
    for message in (messages[0], messages[2]):
        try_once(dependencies, message)
    fail_for_good(dependencies, messages[1])
    http = TestClient(create_app(lambda: dependencies))
    encoder.poison = None
    for _ in range(2):
        response = http.post("/process", json={"ingest_id": ingest_id})
        assert (response.status_code, response.json()["shards"]) == (202, 1)
    report = dependencies.ledger.report(ingest_id)
    assert (report.status, report.shards_failed) == ("collected", 0)
    for _ in range(2):  # both messages
        assert try_once(dependencies, messages[1]) is None
    report = dependencies.ledger.report(ingest_id)
    assert (report.status, report.shards_processed, report.failed_shards) == ("processed", 3, [])
    assert http.post("/process", json={"ingest_id": ingest_id}).json()["shards"] == 0
    assert dependencies.ledger.report(ingest_id).status == "processed"


def test_answers_say_that_reviews_of_failed_shards_are_missing(dependencies, poisoned):
    _, messages = poisoned()
    for message in (messages[0], messages[2]):
        try_once(dependencies, message)
    fail_for_good(dependencies, messages[1])
    (warning,) = missing_warnings(dependencies.database)
    assert "5 of 15 stored reviews" in warning
    assert "failed" in warning


@pytest.fixture
def production(monkeypatch, dependencies, database, ledger):
    """(queue, sweep): the processing function behind a simulated queue."""
    queue = SimulatedQueue()
    ours = replace(dependencies, processing_queue=queue)
    others = collection_dependencies(
        *(database,),
        ledger=ledger, processing_queue=queue, artefacts=dependencies.artefacts,
        index_queue=dependencies.index_queue,
    )  # fmt: skip
    monkeypatch.setattr(handler, "build_dependencies", lambda: ours)
    monkeypatch.setattr(clients, "client", lambda _service: queue)
    backoff._queue_url.cache_clear()
    yield queue, lambda: sweep(others)
    backoff._queue_url.cache_clear()


def test_a_day_with_a_failing_shard(production, dependencies, poisoned, encoder, database):
    """The figures of docs/reliability.md (pytest -s prints them)."""
    queue, sweep_now = production
    ingest_id, messages = poisoned()
    queue.send(messages)
    alarms = GivenUp(queue)
    logger = logging.getLogger("lambdas.processing.service")
    logger.addHandler(alarms)
    try:
        run_day(
            *(queue, handler.handler, sweep_now, database), sweep_seconds=PROD.sweep_minutes * 60
        )
    finally:
        logger.removeHandler(alarms)
    others = len(messages) - 1
    sys.stdout.write(
        f"\nmessages {queue.sent - others}, attempts {queue.deliveries - others},"
        f" dead letters {len(queue.dead_letter_times)}, first alarm after {alarms.times} s\n"
    )
    assert encoder.attempts == MAX_SHARD_ATTEMPTS
    assert queue.sent - others <= 2
    assert queue.dead_letter_times == []
    assert len(alarms.times) == 1
    assert alarms.times[0] < 5 * 60
    assert dependencies.index_queue.take()
    assert dependencies.ledger.report(ingest_id).shards_processed == others
