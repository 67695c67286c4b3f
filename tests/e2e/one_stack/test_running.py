"""A running stack keeps its folder, and restarts what is killed."""

import psutil
import pytest

from tests.e2e.stack import Stack, have_ended, wait_until

pytestmark = pytest.mark.slow


def test_a_second_stack_on_the_same_folder_is_refused(stack):
    second = Stack(stack.folder.root.parent)
    second.launch()
    assert second.process.wait(60) == 2
    assert "already running" in second.output()
    assert stack.folder.running().pid == stack.process.pid
    assert stack.api.health().service == "gateway"


def test_a_killed_gateway_is_restarted(stack):
    old = psutil.Process(stack.child("gateway"))
    old.kill()
    wait_until(
        lambda: have_ended([old]) and stack.child("gateway") != old.pid, what="a new gateway"
    )
    assert stack.api.health().status == "ok"
    assert stack.api.analyze("It broke.").sentiment == "negative"
