"""Threads follow what the process may really use."""

import os

import pytest

from shared.runtime.threads import cores, encoder_threads


@pytest.mark.parametrize(("memory", "expected"), [("128", 1), ("1769", 1), ("1000000", None)])
def test_lambda_memory_buys_cores_up_to_those_present(monkeypatch, memory, expected):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)
    assert cores() == (expected or len(os.sched_getaffinity(0)))


def test_a_lambda_environment_gives_one_pass_every_core(monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "inference")
    assert encoder_threads(0) == cores()


def test_a_server_runs_passes_side_by_side(monkeypatch):
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    assert encoder_threads(0) == 1


def test_a_configured_number_is_taken_as_it_is():
    assert encoder_threads(3) == 3
