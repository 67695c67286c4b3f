"""A process is held after a response while work is in progress, and never until it is killed."""

import threading
import time

import pytest

from shared.http.linger import Linger, start_lingering
from tests.functional.lambda_runtime.runtime_api import RuntimeApi


class WithoutRuntime(RuntimeApi):
    """Lambda, with an extension alone."""

    def invoke(self, *arguments):
        super().invoke(*arguments)
        self.busy.discard("runtime")


@pytest.fixture
def api():
    api = WithoutRuntime()
    api.busy.clear()
    yield api
    api.close()


def test_the_process_is_held_until_the_work_has_ended(api):
    ended, asked = threading.Event(), []

    def settle(seconds):
        asked.append(seconds)
        assert ended.wait(30)

    linger = Linger(api.address, settle)
    linger.start()
    assert api.wait_until_idle(30)
    api.invoke("r", b"{}", 28)
    assert not api.wait_until_idle(0.1), "the handler has not ended"
    linger.respond()
    assert not api.wait_until_idle(0.1), "the work has not ended"
    ended.set()
    assert api.wait_until_idle(30)
    assert 20 < asked[0] <= 26, "less than the timeout"


def test_a_failure_does_not_hold_the_process(api, caplog):
    def settle(_seconds):
        raise ValueError("broken")

    linger = Linger(api.address, settle)
    linger.start()
    for number in range(2):
        assert api.wait_until_idle(30)
        api.invoke(f"r{number}", b"{}", 28)
        linger.respond()
    assert api.wait_until_idle(30)
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_a_handler_that_does_not_end_is_left_to_its_timeout(api):
    linger = Linger(api.address, time.sleep)
    linger.start()
    assert api.wait_until_idle(30)
    api.invoke("r", b"{}", 0)
    assert api.wait_until_idle(30)


def test_a_handler_that_ends_just_before_its_timeout_does_not_count_as_the_next_one(api):
    asked = []
    linger = Linger(api.address, asked.append)
    linger.start()
    assert api.wait_until_idle(30)
    api.invoke("a", b"{}", 0)
    assert api.wait_until_idle(30)
    linger.respond()
    api.invoke("b", b"{}", 28)
    assert not api.wait_until_idle(0.1), "the handler of b has not ended"
    linger.respond()
    assert api.wait_until_idle(30)
    assert len(asked) == 1


@pytest.mark.parametrize("address", ["", "127.0.0.1:1"])
def test_without_the_endpoint_of_lambda_nothing_is_held(address, monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", address)
    start_lingering(time.sleep)()
