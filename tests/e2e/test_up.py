"""How ``reviewlens up`` begins and ends."""

import signal
import socket

import pytest

from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import Stack, gone, wait_until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("option", ["--port", "--aws-port", "--database-port"])
def test_a_taken_port_is_named_with_its_option(new_stack, option):
    stack = new_stack()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        stack.launch(option, str(port))
        assert stack.process.wait(60) == 2
    told = " ".join(stack.said().split())
    assert f"Port {port}" in told
    assert f"another with {option}" in told
    assert "Traceback" not in told
    assert stack.folder.running() is None


def test_a_second_stack_on_one_folder_is_refused_and_harms_nothing(stack):
    second = Stack(stack.folder.root.parent)
    second.launch()
    assert second.process.wait(60) == 2
    assert "already running" in second.said()
    assert stack.folder.running().pid == stack.process.pid
    assert stack.get("/health")["service"] == "gateway"


def test_a_folder_of_somebody_else_is_refused_and_left_alone(new_stack):
    stack = new_stack()
    stack.folder.root.mkdir()
    mine = stack.folder.root / "thesis.txt"
    mine.write_text("years of work")
    stack.launch()
    assert stack.process.wait(60) == 2
    assert "not a Reviewlens state folder" in " ".join(stack.said().split())
    assert list(stack.folder.root.iterdir()) == [mine]


@pytest.mark.timeout(300)
def test_a_stop_in_the_middle_of_work_leaves_no_process_and_loses_nothing(new_stack):
    stack = new_stack(REVIEWLENS_BATCH_ROWS="200").start()
    made = amazon_2014(1_500)
    ingest_id = stack.put("large.json", made.body)
    wait_until(lambda: (stack.report(ingest_id) or {}).get("shards"), what="a stored batch")
    assert_ends_whole(stack, signal.SIGINT)
    stack.start()
    stack.wait_for(ingest_id)
    assert stack.count("SELECT count(*) FROM reviews") == len(made.stored)
    assert_ends_whole(stack, signal.SIGTERM)


def assert_ends_whole(stack, number):
    everything = stack.processes()
    assert len(everything) >= 4
    stack.signal(number)
    assert stack.process.wait(60) == 0
    wait_until(lambda: gone(everything), what="end of every process")
    assert stack.folder.running() is None
    assert "Traceback" not in stack.said()


@pytest.mark.parametrize(
    ("step", "number"),
    [
        ("PostgreSQL", signal.SIGINT),
        ("gateway", signal.SIGTERM),
        ("database schema", signal.SIGINT),
        ("functions", signal.SIGTERM),
    ],
)
def test_a_stop_while_it_starts_leaves_no_process(new_stack, step, number):
    stack = new_stack().launch()
    wait_until(lambda: f"starting {step}" in stack.said(), what=step)
    everything = stack.processes()
    stack.signal(number)
    assert stack.process.wait(60) != 0
    everything += stack.processes()
    wait_until(lambda: gone(everything), what="end of every process")
    assert stack.folder.running() is None
    assert "Traceback" not in stack.said()
