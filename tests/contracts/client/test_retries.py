"""When both clients repeat a call."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

import reviewlens
from reviewlens import RateLimitedError, ServerError, StatusError
from tests.contracts.client.responses import ANALYSIS


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_reads_are_repeated_where_that_can_help(client, server, status):
    server.answers = [(status, {}), (status, {}), (200, ANALYSIS)]
    assert client.analyze("x").model_version == "m"
    assert len(server.requests) == 3


def test_a_connection_that_breaks_off_is_opened_again(client, server):
    server.answers = [None, (200, ANALYSIS)]
    assert client.analyze("x").model_version == "m"
    assert len(server.requests) == 2


def test_attempts_are_bounded(client, server):
    server.answers = [(503, {})]
    with pytest.raises(ServerError):
        client.analyze("x")
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500, 501])
def test_what_cannot_help_is_not_repeated(client, server, status):
    server.answers = [(status, {})]
    with pytest.raises(StatusError):
        client.analyze("x")
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [(503, {}), (502, {}), None])
def test_what_starts_work_is_sent_once(client, server, answer):
    server.answers = [answer]
    with pytest.raises(reviewlens.ApiError):
        client.train(epochs=1)
    assert len(server.requests) == 1


def test_a_training_with_an_idempotency_key_is_repeated(client, server):
    when = "2026-11-29T08:00:00Z"
    accepted = {"training_id": "t", "status": "started", "estimated_completion_time": when}
    server.answers = [None, (202, accepted)]
    assert client.train(epochs=1, idempotency_key="k").training_id == "t"
    assert [headers["idempotency-key"] for _, _, headers, _ in server.requests] == ["k", "k"]


def test_work_that_was_turned_away_is_repeated(client, server):
    server.answers = [(429, {}), (202, {"message": "queued"})]
    assert client.build_index().message == "queued"


def test_the_client_waits_as_long_as_the_api_asks(client, server):
    moment = datetime.now(UTC) + timedelta(seconds=1.9)
    for header in ("1", format_datetime(moment, usegmt=True)):
        server.answers = [(503, {}, {"retry-after": header}), (200, ANALYSIS)]
        started = time.monotonic()
        client.analyze("x")
        waited = time.monotonic() - started
        assert waited < 3
        if header == "1":
            assert waited >= 1


def test_a_pause_that_is_too_long_is_not_waited_for(client, server):
    server.answers = [(429, {}, {"retry-after": "3600"})]
    with pytest.raises(RateLimitedError) as caught:
        client.analyze("x")
    assert caught.value.retry_after == 3600
    assert len(server.requests) == 1
