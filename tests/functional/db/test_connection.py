"""The pool tells what can be retried from what cannot."""

import asyncio
import threading

import psycopg
import pytest

from shared.db.connection import Database, connection_arguments
from shared.db.health import database_health
from shared.errors import UnavailableError

SECRET = {"host": "h", "port": "5432", "username": "u", "password": "p", "dbname": "d"}


def test_the_secret_becomes_arguments_without_prepared_statements():
    made = connection_arguments(SECRET)
    assert made["port"] == 5432
    assert made["host"] == "h"
    assert made["prepare_threshold"] is None
    assert "options" not in made


def test_a_server_that_is_not_there_is_unavailable(tmp_path):
    nowhere = Database(lambda: {**SECRET, "host": str(tmp_path)}, wait_seconds=0.2)
    with pytest.raises(UnavailableError), nowhere.lock("x"):
        pass
    assert database_health(nowhere, "s", "1").status == "unavailable"
    nowhere.close()


def test_a_mistake_in_sql_is_not_taken_for_an_outage(database):
    with pytest.raises(psycopg.ProgrammingError), database.transaction() as connection:
        connection.execute("SELECT no_such_column")


def test_an_exception_rolls_back(database, rows):
    def fail_late():
        with database.transaction() as connection:
            connection.execute("INSERT INTO products VALUES ('p', 't', 'c')")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_late()
    assert rows("SELECT count(*) FROM products") == [(0,)]


def test_a_lock_has_one_holder_at_a_time(database):
    with database.lock("a") as first, database.lock("a") as second, database.lock("b") as other:
        assert (first, second, other) == (True, False, True)
    with database.lock("a") as again:
        assert again


def test_locks_leave_the_pool_to_the_work(postgres):
    small = Database(lambda: postgres.secret, pool_size=1)
    with small.lock("x"), small.lock("y"):
        small.ping()
    small.close()


def test_connections_that_the_server_ended_are_replaced(database, postgres, rows):
    def lose_the_connection():
        with database.transaction() as connection:
            mine = connection.execute("SELECT pg_backend_pid()").fetchone()
            with psycopg.connect(**connection_arguments(postgres.secret)) as other:
                other.execute("SELECT pg_terminate_backend(%s)", mine)
            connection.execute("SELECT 1")

    with pytest.raises(UnavailableError):
        lose_the_connection()
    assert rows("SELECT 1") == [(1,)]


def test_idle_connections_that_the_server_ended_are_replaced(database, postgres, rows):
    rows("SELECT 1")
    with psycopg.connect(**connection_arguments(postgres.secret), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert rows("SELECT 1") == [(1,)]


def test_a_lock_is_free_as_soon_as_its_block_is_left(database):
    for _ in range(200):
        with database.lock("again and again") as held:
            assert held


@pytest.fixture
def sleeping(postgres):
    """The server behind a door that takes connections at once and answers after a while."""

    port = int(postgres.secret["port"])

    async def wake(reader, writer):
        await asyncio.sleep(1.5)
        out_of, into = await asyncio.open_connection(postgres.secret["host"], port)
        await asyncio.gather(_pour(reader, into), _pour(out_of, writer))

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(wake, "127.0.0.1", 0), loop
    ).result()
    yield {**postgres.secret, "host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]}
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _pour(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


def test_one_waits_for_a_server_that_wakes_as_long_as_was_said(sleeping):
    hurried = Database(lambda: sleeping, wait_seconds=0.5)
    with pytest.raises(UnavailableError):
        hurried.ping()
    hurried.close()
    patient = Database(lambda: sleeping, wait_seconds=20.0)
    patient.ping()
    with patient.lock("mine") as held:
        assert held
    patient.close()


def test_the_connection_itself_waits_no_shorter(monkeypatch):
    asked = []

    def connect(**arguments):
        asked.append(arguments["connect_timeout"])
        raise psycopg.OperationalError

    monkeypatch.setattr(psycopg, "connect", connect)
    for seconds in (0.2, 59.5):
        with (
            pytest.raises(UnavailableError),
            Database(lambda: SECRET, wait_seconds=seconds).lock("x"),
        ):
            pass
    assert asked == [5, 60]
