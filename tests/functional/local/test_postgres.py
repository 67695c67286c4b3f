"""The embedded server keeps its data through every kind of end."""

import os
import secrets
import shutil
import signal
import socket
import tempfile
from pathlib import Path

import psycopg
import pytest

from local.errors import LocalStackError
from local.stack import postgres
from local.stack.ports import free_port
from local.stack.postgres import Postgres, stop_leftovers


@pytest.fixture(scope="module")
def folder():
    """A state folder in which a kill has interrupted the first start."""
    made = Path(tempfile.mkdtemp(prefix="reviewlens-test-"))
    (made / "data.new").mkdir()
    (made / "data.new" / "PG_VERSION").write_text("half")
    yield made
    stop_leftovers(made / "data")
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def password():
    return secrets.token_hex(8)


@pytest.fixture
def server(folder, password):
    """Makes servers of one cluster; they are stopped after the test."""
    made = []

    def make(port=0, password=password):
        port = port or free_port(0, purpose="test database", option="-")
        made.append(
            Postgres(folder / "data", port=port, password=password, log_path=folder / "log")
        )
        return made[-1]

    yield make
    for server in made:
        server.stop()


def ask(server, query):
    with psycopg.connect(server.uri) as connection:
        return connection.execute(query).fetchall()


def count_up(server):
    """Adds a row; gives how many there are."""
    with psycopg.connect(server.uri) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    return ask(server, "SELECT count(*) FROM kept")[0][0]


def test_data_survive_a_stop(server):
    first = server()
    assert (first.poll(), first.pid) == (None, None)
    first.stop()
    first.start()
    rows = count_up(first)
    assert first.poll() is None
    first.stop()
    assert (first.poll(), first.pid) == (None, None)
    second = server()
    second.start()
    assert count_up(second) == rows + 1


def test_data_survive_a_kill(server, eventually):
    killed = server()
    killed.start()
    rows = count_up(killed)
    os.kill(killed.pid, signal.SIGKILL)
    assert eventually(killed.poll) == -signal.SIGKILL
    killed.start()
    assert count_up(killed) == rows + 1


def test_a_crashed_server_is_started_again_until_it_runs(
    server, folder, eventually, broken_cluster, monkeypatch
):
    monkeypatch.setattr(postgres, "_RETRY_SECONDS", 0.1)
    crashed = server()
    assert not crashed.check()
    crashed.start()
    rows = count_up(crashed)
    assert not crashed.check()
    os.kill(crashed.pid, signal.SIGKILL)
    eventually(crashed.poll)
    with broken_cluster(folder / "data"):
        with pytest.raises(LocalStackError, match="could not find"):
            crashed.check()
        assert not crashed.check()  # a pause comes first
        with pytest.raises(LocalStackError, match="could not find"):
            eventually(crashed.check)
    eventually(crashed.check)
    assert count_up(crashed) == rows + 1
    assert not crashed.check()


def test_a_server_that_somebody_stopped_stays_down(server, eventually):
    stopped = server()
    stopped.start()
    os.kill(stopped.pid, signal.SIGINT)
    eventually(lambda: stopped.poll() == 0)
    assert not stopped.check()
    assert stopped.poll() == 0


def test_a_server_that_a_killed_stack_left_is_stopped_first(server, eventually):
    left = server()
    left.start()
    rows = count_up(left)
    fresh = server()
    fresh.start()
    eventually(lambda: left.poll() is not None)
    assert count_up(fresh) == rows + 1


def test_stopping_leftovers_where_there_are_none_is_no_fault(tmp_path):
    stop_leftovers(tmp_path)


def test_the_secret_opens_the_database_and_nothing_else_does(server, password):
    running = server()
    running.start()
    secret = running.secret
    assert secret["host"] == "127.0.0.1"
    with psycopg.connect(
        **{k: v for k, v in secret.items() if k != "username"}, user=secret["username"]
    ) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(running.uri.replace(password, "wrong"))


def test_vectors_can_be_stored(server):
    running = server()
    running.start()
    assert ask(running, "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'") == [(1,)]


def test_a_port_that_is_taken_ends_the_start_with_the_servers_words(server):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        late = server(port=other.getsockname()[1])
        with pytest.raises(LocalStackError, match=r"(?s)last words:.*in use"):
            late.start()
    assert late.poll() is None


def test_a_kill_during_the_first_start_is_no_obstacle(server, folder):
    server().start()
    assert {path.name for path in folder.iterdir()} == {"data", "log"}
