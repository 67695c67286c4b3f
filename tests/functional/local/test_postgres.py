"""The embedded server keeps its data after a stop, a crash or a kill."""

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
from local.stack.cluster import stop_leftover_processes
from local.stack.ports import free_port
from local.stack.postgres import Postgres


@pytest.fixture(scope="module")
def folder():
    """A state folder in which a kill has interrupted the first start."""
    path = Path(tempfile.mkdtemp(prefix="reviewlens-test-"))
    (path / "data.new").mkdir()
    (path / "data.new" / "PG_VERSION").write_text("half")
    yield path
    stop_leftover_processes(path / "data")
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def password():
    return secrets.token_hex(8)


@pytest.fixture
def server(folder, password):
    """Creates servers of one cluster; they are stopped after the test."""
    servers = []

    def make(port=0, password=password):
        port = port or free_port(0, purpose="test database", option="-")
        servers.append(
            Postgres(folder / "data", port=port, password=password, log_path=folder / "log")
        )
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


def fetch(server, query):
    with psycopg.connect(server.uri) as connection:
        return connection.execute(query).fetchall()


def add_row(server):
    """Adds a row; returns the number of rows."""
    with psycopg.connect(server.uri) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    return fetch(server, "SELECT count(*) FROM kept")[0][0]


def test_data_survives_a_stop(server):
    first = server()
    assert (first.poll(), first.pid) == (None, None)
    first.stop()
    first.start()
    rows = add_row(first)
    assert first.poll() is None
    first.stop()
    assert (first.poll(), first.pid) == (None, None)
    second = server()
    second.start()
    assert add_row(second) == rows + 1


def test_data_survives_a_kill(server, eventually):
    killed = server()
    killed.start()
    rows = add_row(killed)
    os.kill(killed.pid, signal.SIGKILL)
    assert eventually(killed.poll) == -signal.SIGKILL
    killed.start()
    assert add_row(killed) == rows + 1


def test_a_crashed_server_is_restarted_until_it_runs(
    server, folder, eventually, broken_cluster, monkeypatch
):
    monkeypatch.setattr(postgres, "_RESTART_DELAY_SECONDS", 0.1)
    crashed = server()
    assert not crashed.restart_if_crashed()
    crashed.start()
    rows = add_row(crashed)
    assert not crashed.restart_if_crashed()
    os.kill(crashed.pid, signal.SIGKILL)
    eventually(crashed.poll)
    with broken_cluster(folder / "data"):
        with pytest.raises(LocalStackError, match="could not find"):
            crashed.restart_if_crashed()
        assert not crashed.restart_if_crashed()  # the delay has not passed
        with pytest.raises(LocalStackError, match="could not find"):
            eventually(crashed.restart_if_crashed)
    eventually(crashed.restart_if_crashed)
    assert add_row(crashed) == rows + 1
    assert not crashed.restart_if_crashed()


def test_a_server_that_was_stopped_deliberately_stays_down(server, eventually):
    stopped = server()
    stopped.start()
    os.kill(stopped.pid, signal.SIGINT)
    eventually(lambda: stopped.poll() == 0)
    assert not stopped.restart_if_crashed()
    assert stopped.poll() == 0


def test_a_start_stops_the_server_of_a_killed_stack(server, eventually):
    leftover = server()
    leftover.start()
    rows = add_row(leftover)
    restarted = server()
    restarted.start()
    eventually(lambda: leftover.poll() is not None)
    assert add_row(restarted) == rows + 1


def test_stopping_leftover_processes_succeeds_if_there_are_none(tmp_path):
    stop_leftover_processes(tmp_path)


def test_only_the_password_in_the_secret_is_accepted(server, password):
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


def test_the_vector_extension_is_available(server):
    running = server()
    running.start()
    assert fetch(running, "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'") == [(1,)]


def test_a_start_on_a_port_in_use_fails_with_the_server_log(server):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        late = server(port=other.getsockname()[1])
        with pytest.raises(LocalStackError, match=r"did not start on .* in use"):
            late.start()
    assert late.poll() is None


def test_the_server_starts_after_an_interrupted_first_start(server, folder):
    server().start()
    assert {path.name for path in folder.iterdir()} == {"data", "log"}
