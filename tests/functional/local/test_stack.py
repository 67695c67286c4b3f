"""A whole stack keeps its parts running, whatever happens to one of them."""

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
from local.errors import LocalStackError
from local.names import ARTEFACT_BUCKET
from local.stack import postgres
from local.stack.ports import bind
from local.stack.postgres import DATABASE, USERNAME, Postgres, stop_leftovers
from local.stack.stack import Stack
from local.state import Ports, StateFolder
from tests.models import stub_model


class Started:
    """A stack on a folder of its own, in which an earlier one left a bad pointer and a file."""

    def __init__(self, folder, model):
        self.folder = StateFolder(folder / "state")
        self.folder.create()
        (self.folder.temporary / "left").write_text("x")
        spoil_pointer(self.folder.s3)
        self.stack = Stack(self.folder, Ports(0, 0, 0), model=model)
        self.running = self.stack.start()

    def child(self, name):
        """Process id of a part, as announced now."""
        return self.folder.running().children[name]

    def kill(self, name):
        """``kill -9`` of a part; gives the id that it had."""
        pid = self.child(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def answers(self):
        """Whether the gateway does."""
        try:
            return httpx.get(f"{self.running.gateway_url}/health").status_code == 200
        except httpx.TransportError:
            return False

    def database_answers(self):
        """Whether PostgreSQL takes connections."""
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


def spoil_pointer(root):
    """Make the pointer to the model one that cannot be read."""
    listener = bind(0, purpose="test AWS", option="-")
    aws = LocalAws(root, listener)
    aws.start()
    s3 = local_client("s3", f"http://127.0.0.1:{listener.getsockname()[1]}")
    s3.create_bucket(Bucket=ARTEFACT_BUCKET)
    s3.put_object(Bucket=ARTEFACT_BUCKET, Key="pointers/model.json", Body=b"not json")
    aws.stop()
    forget()


def forget():
    """Empty moto's memory, as the end of its process does."""
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].reset()
    sqs_backends[DEFAULT_ACCOUNT_ID].reset()


@pytest.fixture(scope="module")
def told():
    """What the stack logged, from its start on."""
    records = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())
    logger = logging.getLogger("local.stack.stack")
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)


@pytest.fixture(scope="module")
def started(told):
    with tempfile.TemporaryDirectory(prefix="reviewlens-test-") as name:
        made = Started(Path(name), stub_model(Path(name), "shipped-1-aaaa"))
        yield made
        made.stack.stop()
        stop_leftovers(made.folder.postgres, patience=0)
        forget()


def test_a_model_that_cannot_be_made_current_is_told_and_the_stack_goes_on(started, told):
    assert started.answers()
    warnings = [line for line in told if "the pointer of kind model cannot be read" in line]
    assert len(warnings) == 1
    assert "shipped-1-aaaa" in warnings[0]
    log = (started.folder.logs / "prepare.log").read_text()
    assert "the pointer of kind model cannot be read" in log


def test_a_model_folder_that_cannot_be_used_ends_the_start_before_anything_runs(tmp_path):
    state = StateFolder(tmp_path / "state")
    with pytest.raises(LocalStackError, match="nowhere") as caught:
        Stack(state, Ports(0, 0, 0), model=tmp_path / "nowhere").start()
    assert caught.value.exit_code == 2
    assert not state.root.exists()


def test_a_schema_that_cannot_be_made_ends_the_start(started, tmp_path, monkeypatch):
    monkeypatch.setitem(started.stack._environment, "REVIEWLENS_DATABASE_SECRET_ID", "nobody")
    with pytest.raises(LocalStackError, match="cannot be prepared") as caught:
        started.stack._prepare()
    assert len(caught.value.message.splitlines()) > 1


@pytest.mark.parametrize("name", ["worker", "gateway"])
def test_temporary_files_go_to_the_state_folder_which_a_start_empties(started, name):
    environment = psutil.Process(started.child(name)).environ()
    assert environment["TMPDIR"] == str(started.folder.temporary)
    assert not (started.folder.temporary / "left").exists()


def test_a_killed_worker_is_started_again_while_the_caller_works(started, eventually):
    with started.stack.watched():
        killed = started.kill("worker")
        eventually(lambda: started.child("worker") != killed)
    killed = started.kill("worker")  # nobody watches now
    with started.stack.watched():
        eventually(lambda: started.child("worker") != killed)
    assert started.answers()


def test_no_watcher_is_left_when_the_work_fails(started):
    def work():
        assert "watch" in {thread.name for thread in threading.enumerate()}
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), started.stack.watched():
        work()
    assert "watch" not in {thread.name for thread in threading.enumerate()}


def test_nothing_that_fails_in_a_restart_ends_the_watch(started, eventually, monkeypatch, caplog):
    def refuse(*_):
        raise OSError("no room")

    with started.stack.watched():
        with monkeypatch.context() as patch:
            patch.setattr(StateFolder, "announce", refuse)
            killed = started.kill("worker")
            eventually(lambda: "no room" in caplog.text)
        started.kill("gateway")
        eventually(lambda: started.child("worker") != killed)
        eventually(started.answers)


def test_a_crashed_database_is_started_until_it_runs(
    started, eventually, broken_cluster, monkeypatch, caplog
):
    """It does not start at first, and when it does, the connection to it breaks."""
    monkeypatch.setattr(postgres, "_RETRY_SECONDS", 0.1)
    create, broken = Postgres._create_database, []

    def broken_once(server):
        if not broken:
            broken.append(server)
            raise psycopg.OperationalError("the connection broke")
        create(server)

    monkeypatch.setattr(Postgres, "_create_database", broken_once)
    killed = started.kill("postgres")
    eventually(lambda: not started.database_answers())
    with started.stack.watched():
        with broken_cluster(started.folder.postgres):
            eventually(lambda: caplog.text.count("could not find") >= 2)
        eventually(lambda: started.child("postgres") != killed)
    assert "the connection broke" in caplog.text
    assert started.database_answers()
