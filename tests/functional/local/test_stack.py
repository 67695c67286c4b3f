"""A stack restarts its crashed parts and survives failures of any of them."""

import logging
import os
import signal
import tempfile
import threading
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

from local.aws.resources import local_client
from local.aws.server import LocalAws
from local.credentials import AwsKeys
from local.errors import LocalStackError
from local.names import ARTEFACT_BUCKET
from local.stack import postgres
from local.stack.cluster import USERNAME, stop_leftover_processes
from local.stack.ports import bind
from local.stack.postgres import DATABASE, Postgres
from local.stack.stack import Stack
from local.state import Ports, StateFolder
from tests.models import stub_model


class StartedStack:
    """A running stack, on a folder with a corrupt pointer and a leftover temporary file."""

    def __init__(self, folder, model):
        self.folder = StateFolder(folder / "state")
        self.folder.create()
        (self.folder.temporary / "leftover").write_text("x")
        corrupt_pointer(self.folder.s3)
        self.stack = Stack(self.folder, Ports(0, 0, 0), model=model)
        self.running = self.stack.start()

    def child(self, name):
        """Current process id of a part, from the announcement."""
        return self.folder.running().children[name]

    def kill(self, name):
        """``kill -9`` a part; returns the id that it had."""
        pid = self.child(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def responds(self):
        """Whether the gateway responds."""
        try:
            return httpx.get(f"{self.running.gateway_url}/health").status_code == 200
        except httpx.TransportError:
            return False

    def database_accepts_connections(self):
        """Whether PostgreSQL accepts connections."""
        try:
            psycopg.connect(
                host="127.0.0.1",
                port=self.running.database,
                user=USERNAME,
                password=self.folder.secrets()["database_password"],
                dbname=DATABASE,
            ).close()
        except psycopg.OperationalError:
            return False
        return True


KEYS = AwsKeys("LOCAL0123456789ABCDE", "the secret of these tests")


def corrupt_pointer(root):
    """Replace the model pointer with invalid JSON."""
    listener = bind(0, purpose="test AWS", option="-")
    aws = LocalAws(root, listener, keys=KEYS)
    aws.start()
    s3 = local_client("s3", f"http://127.0.0.1:{listener.getsockname()[1]}", KEYS)
    s3.create_bucket(Bucket=ARTEFACT_BUCKET)
    s3.put_object(Bucket=ARTEFACT_BUCKET, Key="pointers/model.json", Body=b"not json")
    aws.stop()
    reset_moto()


def reset_moto():
    """Clear moto's memory, as the end of its process does."""
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].reset()
    sqs_backends[DEFAULT_ACCOUNT_ID].reset()


@pytest.fixture(scope="module")
def log_messages():
    """Messages that the stack has logged since its start."""
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = logging.getLogger("local.stack.stack")
    logger.addHandler(handler)
    yield messages
    logger.removeHandler(handler)


@pytest.fixture(scope="module")
def started(log_messages):
    with tempfile.TemporaryDirectory(prefix="reviewlens-test-") as name:
        stack = StartedStack(Path(name), stub_model(Path(name), "shipped-1-aaaa"))
        yield stack
        stack.stack.stop()
        stop_leftover_processes(stack.folder.postgres, timeout=0)
        reset_moto()


def test_the_stack_starts_with_a_warning_if_the_model_cannot_be_made_current(started, log_messages):
    assert started.responds()
    warnings = [line for line in log_messages if "the pointer of kind model cannot be read" in line]
    assert len(warnings) == 1
    assert "shipped-1-aaaa" in warnings[0]
    log = (started.folder.logs / "prepare.log").read_text()
    assert "the pointer of kind model cannot be read" in log


def test_an_invalid_model_folder_stops_the_start_before_any_part_runs(tmp_path):
    state = StateFolder(tmp_path / "state")
    with pytest.raises(LocalStackError, match="nowhere") as caught:
        Stack(state, Ports(0, 0, 0), model=tmp_path / "nowhere").start()
    assert caught.value.exit_code == 2
    assert not state.root.exists()


def test_a_failed_migration_stops_the_start(started, tmp_path, monkeypatch):
    monkeypatch.setitem(started.stack._environment, "REVIEWLENS_DATABASE_SECRET_ID", "missing")
    with pytest.raises(LocalStackError, match="could not be prepared") as caught:
        started.stack._prepare()
    assert len(caught.value.message.splitlines()) > 1


@pytest.mark.parametrize("name", ["worker", "gateway"])
def test_temporary_files_are_in_the_state_folder_and_cleared_on_start(started, name):
    environment = psutil.Process(started.child(name)).environ()
    assert environment["TMPDIR"] == str(started.folder.temporary)
    assert not (started.folder.temporary / "leftover").exists()


def test_a_killed_worker_is_restarted_while_the_caller_works(started, eventually):
    with started.stack.watch_in_background():
        killed = started.kill("worker")
        eventually(lambda: started.child("worker") != killed)
    killed = started.kill("worker")  # not watched at the moment
    with started.stack.watch_in_background():
        eventually(lambda: started.child("worker") != killed)
    assert started.responds()


def test_the_watcher_ends_if_the_work_fails(started):
    def work():
        assert "watch" in {thread.name for thread in threading.enumerate()}
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), started.stack.watch_in_background():
        work()
    assert "watch" not in {thread.name for thread in threading.enumerate()}


def test_a_failed_restart_does_not_end_watching(started, eventually, monkeypatch, caplog):
    def refuse(*_):
        raise OSError("no room")

    with started.stack.watch_in_background():
        with monkeypatch.context() as patch:
            patch.setattr(StateFolder, "announce", refuse)
            killed = started.kill("worker")
            eventually(lambda: "no room" in caplog.text)
        started.kill("gateway")
        eventually(lambda: started.child("worker") != killed)
        eventually(started.responds)


def test_a_crashed_database_is_restarted_until_it_runs(
    started, eventually, broken_cluster, monkeypatch, caplog
):
    """The first restarts fail, and then the connection breaks once."""
    monkeypatch.setattr(postgres, "_RESTART_DELAY_SECONDS", 0.1)
    create, failures = Postgres._create_database, []

    def fail_once(server):
        if not failures:
            failures.append(server)
            raise psycopg.OperationalError("the connection broke")
        create(server)

    monkeypatch.setattr(Postgres, "_create_database", fail_once)
    killed = started.kill("postgres")
    eventually(lambda: not started.database_accepts_connections())
    with started.stack.watch_in_background():
        with broken_cluster(started.folder.postgres):
            eventually(lambda: caplog.text.count("could not find") >= 2)
        eventually(lambda: started.child("postgres") != killed)
    assert "the connection broke" in caplog.text
    assert started.database_accepts_connections()
