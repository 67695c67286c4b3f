"""The number of threads follows the cores that the process may use."""

import os

import pytest

from shared.runtime.threads import cores, encoder_threads


@pytest.mark.parametrize(("memory", "expected"), [("128", 1), ("1769", 1), ("1000000", None)])
def test_lambda_memory_determines_the_cores(monkeypatch, memory, expected):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)
    assert cores() == (expected or len(os.sched_getaffinity(0)))


def test_on_lambda_a_pass_uses_all_cores(monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "inference")
    assert encoder_threads(0) == cores()


def test_on_a_server_passes_run_in_parallel_on_one_thread_each(monkeypatch):
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    assert encoder_threads(0) == 1


def test_a_configured_number_of_threads_is_used_unchanged():
    assert encoder_threads(3) == 3
