"""Start and stop of ``reviewlens up``."""

import signal
import socket

import pytest

from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import have_ended, wait_until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("option", ["--port", "--aws-port", "--database-port"])
def test_a_port_in_use_is_reported_with_its_option(new_stack, option):
    stack = new_stack()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        stack.launch(option, str(port))
        assert stack.process.wait(60) == 2
    output = " ".join(stack.output().split())
    assert f"Port {port}" in output
    assert f"another with {option}" in output
    assert "Traceback" not in output
    assert stack.folder.running() is None


def test_a_folder_with_other_files_is_refused_and_not_changed(new_stack):
    stack = new_stack()
    stack.folder.root.mkdir()
    mine = stack.folder.root / "thesis.txt"
    mine.write_text("years of work")
    stack.launch()
    assert stack.process.wait(60) == 2
    assert "not a Reviewlens state folder" in " ".join(stack.output().split())
    assert list(stack.folder.root.iterdir()) == [mine]


@pytest.mark.timeout(900)
def test_a_stop_during_an_ingest_leaves_no_process_and_loses_nothing(new_stack):
    stack = new_stack(REVIEWLENS_BATCH_ROWS="80").start()
    dump = amazon_2014(600)
    ingest_id = stack.put("large.json", dump.body)
    wait_until(lambda: (report := stack.report(ingest_id)) and report.shards, what="a stored batch")
    assert_stops_completely(stack, signal.SIGINT)
    stack.start()
    stack.wait_for(ingest_id)
    assert stack.count("SELECT count(*) FROM reviews") == len(dump.stored)
    assert_stops_completely(stack, signal.SIGTERM)


def assert_stops_completely(stack, number):
    processes = stack.processes()
    assert len(processes) >= 4
    stack.signal(number)
    assert stack.process.wait(60) == 0
    wait_until(lambda: have_ended(processes), what="end of every process")
    assert stack.folder.running() is None
    assert "Traceback" not in stack.output()


@pytest.mark.parametrize(
    ("step", "number"),
    [
        ("PostgreSQL", signal.SIGINT),
        ("gateway", signal.SIGTERM),
        ("database schema", signal.SIGINT),
        ("functions", signal.SIGTERM),
    ],
)
def test_a_stop_during_the_start_leaves_no_process(new_stack, step, number):
    stack = new_stack().launch()
    gateway = suspended_gateway(stack) if step == "functions" else None
    wait_until(lambda: f"starting {step}" in stack.output(), what=step)
    processes = stack.processes()
    stack.signal(number)
    if gateway:
        gateway.resume()
    assert stack.process.wait(60) != 0
    processes += stack.processes()
    wait_until(lambda: have_ended(processes), what="end of every process")
    assert stack.folder.running() is None
    assert "Traceback" not in stack.output()


def suspended_gateway(stack):
    """Suspend the gateway, whose answer the start waits for: it cannot end before the signal."""
    wait_until(lambda: "starting database schema" in stack.output(), what="a gateway")
    (gateway,) = (each for each in stack.processes() if "local.stack.gateway" in each.cmdline())
    gateway.suspend()
    return gateway
