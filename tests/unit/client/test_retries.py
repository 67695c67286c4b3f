"""When a call is sent again, and how long the pause is."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewlens import ConnectionFailedError, InvalidAnswerError, Retry
from reviewlens.errors import status_error
from reviewlens.retries import retry_after


def error(status, seconds=None):
    return status_error("GET /x", status, b"", seconds)


@given(attempt=st.integers(1, 60), backoff=st.floats(0, 100), limit=st.floats(0, 100))
def test_pauses_double_with_jitter_up_to_a_limit(attempt, backoff, limit):
    retry = Retry(attempts=100, backoff_seconds=backoff, max_wait_seconds=limit)
    delay = retry.delay(error(503), attempt=attempt, repeatable=True)
    longest = min(limit, backoff * 2 ** (attempt - 1))
    assert longest / 2 <= delay <= longest


def test_pauses_of_two_clients_differ():
    delays = {Retry().delay(error(503), attempt=1, repeatable=True) for _ in range(20)}
    assert len(delays) > 1


@pytest.mark.parametrize(("seconds", "waits"), [(0.0, True), (20.0, True), (20.1, False)])
def test_the_pause_is_as_long_as_the_api_asks_or_there_is_none(seconds, waits):
    delay = Retry().delay(error(429, seconds), attempt=1, repeatable=True)
    assert (delay is not None) is waits
    assert delay is None or delay >= seconds


@pytest.mark.parametrize(
    ("problem", "repeatable", "once"),
    [
        (error(503), True, False),
        (error(503), False, True),
        (error(500), True, True),
        (error(404), True, True),
        (error(429), False, False),
        (ConnectionFailedError("x"), True, False),
        (ConnectionFailedError("x"), False, True),
        (ConnectionFailedError("x", was_sent=False), False, False),
        (InvalidAnswerError("x"), True, True),
    ],
)
def test_a_call_is_repeated_only_where_that_is_safe_and_can_help(problem, repeatable, once):
    assert (Retry().delay(problem, attempt=1, repeatable=repeatable) is None) is once
    assert Retry().delay(problem, attempt=3, repeatable=repeatable) is None


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "٣", "Sun, 99 Foo 2026 00:00:00 GMT"])
def test_an_invalid_retry_after_is_ignored(text):
    assert retry_after({"retry-after": text}) is None


def test_a_retry_after_is_seconds_or_a_date():
    assert retry_after({"retry-after": " 7 "}) == 7
    assert retry_after({}) is None
    moment = datetime.now(UTC) + timedelta(seconds=60)
    header = {"retry-after": format_datetime(moment, usegmt=True)}
    assert retry_after(header) == pytest.approx(60, abs=2)
    past = {"retry-after": "Sun, 29 Nov 2015 08:00:00 GMT"}
    assert retry_after(past) == 0
