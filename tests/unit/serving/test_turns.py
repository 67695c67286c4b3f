"""Processes load a large version one after the other, not all at once."""

import time

import pytest

from shared.serving.turns import Turn


@pytest.fixture
def clock(monkeypatch):
    """The time in seconds, in a list of one."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("share", "load_seconds", "delay"), [(0.5, 20, 100), (1, 20, 200), (1, 100, 300)]
)
def test_a_process_waits_up_to_ten_loads(clock, share, load_seconds, delay):
    turn = Turn(300, lambda: share)
    assert not turn.has_come(load_seconds)
    clock[0] += delay - 1
    assert not turn.has_come(load_seconds)
    clock[0] += 1
    assert turn.has_come(load_seconds)


def test_the_next_load_waits_again(clock):
    shares = iter([0, 1])
    turn = Turn(300, lambda: next(shares))
    assert turn.has_come(20)
    turn.end()
    assert not turn.has_come(20)
