"""Connections: which errors can be retried, locks, and waiting for a server."""

import asyncio
import threading

import psycopg
import pytest

from shared.db.connection import Database, connection_arguments
from shared.db.health import database_health
from shared.errors import UnavailableError
from shared.observability.correlation import correlate

SECRET = {"host": "h", "port": "5432", "username": "u", "password": "p", "dbname": "d"}


def test_a_secret_is_converted_to_arguments_without_prepared_statements():
    arguments = connection_arguments(SECRET)
    assert arguments["port"] == 5432
    assert arguments["host"] == "h"
    assert arguments["prepare_threshold"] is None
    assert "options" not in arguments


def test_a_missing_server_is_unavailable(tmp_path):
    missing = Database(lambda: {**SECRET, "host": str(tmp_path)}, wait_seconds=0.2)
    with pytest.raises(UnavailableError), missing.lock("x"):
        pass
    assert database_health(missing, "s", "1").status == "unavailable"
    missing.close()


def test_an_sql_error_is_not_reported_as_unavailable(database):
    with pytest.raises(psycopg.ProgrammingError), database.transaction() as connection:
        connection.execute("SELECT no_such_column")


def test_an_exception_rolls_the_transaction_back(database, rows):
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
    with database.lock("a") as acquired:
        assert acquired


def test_locks_do_not_use_connections_of_the_pool(postgres):
    small = Database(lambda: postgres.secret, pool_size=1)
    with small.lock("x"), small.lock("y"):
        small.ping()
    small.close()


def test_connections_closed_by_the_server_are_replaced(database, postgres, rows):
    def lose_the_connection():
        with database.transaction() as connection:
            backend = connection.execute("SELECT pg_backend_pid()").fetchone()
            with psycopg.connect(**connection_arguments(postgres.secret)) as other:
                other.execute("SELECT pg_terminate_backend(%s)", backend)
            connection.execute("SELECT 1")

    with pytest.raises(UnavailableError):
        lose_the_connection()
    assert rows("SELECT 1") == [(1,)]


def test_idle_connections_closed_by_the_server_are_replaced(database, postgres, rows):
    rows("SELECT 1")
    with psycopg.connect(**connection_arguments(postgres.secret), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert rows("SELECT 1") == [(1,)]


def test_a_lock_is_released_at_the_end_of_its_block(database):
    for _ in range(200):
        with database.lock("again and again") as acquired:
            assert acquired


@pytest.fixture
def paused_server(postgres):
    """A proxy that accepts connections immediately and forwards them after a delay."""

    port = int(postgres.secret["port"])

    async def forward_later(reader, writer):
        await asyncio.sleep(1.5)
        upstream_reader, upstream_writer = await asyncio.open_connection(
            postgres.secret["host"], port
        )
        await asyncio.gather(_forward(reader, upstream_writer), _forward(upstream_reader, writer))

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(forward_later, "127.0.0.1", 0), loop
    ).result()
    yield {**postgres.secret, "host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]}
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _forward(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


def test_a_paused_server_is_waited_for_up_to_wait_seconds(paused_server):
    impatient = Database(lambda: paused_server, wait_seconds=0.5)
    with pytest.raises(UnavailableError):
        impatient.ping()
    impatient.close()
    patient = Database(lambda: paused_server, wait_seconds=20.0)
    patient.ping()
    with patient.lock("mine") as acquired:
        assert acquired
    patient.close()


def test_the_connect_timeout_is_not_shorter_than_wait_seconds(monkeypatch):
    timeouts = []

    def connect(**arguments):
        timeouts.append(arguments["connect_timeout"])
        raise psycopg.OperationalError

    monkeypatch.setattr(psycopg, "connect", connect)
    for seconds in (0.2, 59.5):
        with (
            pytest.raises(UnavailableError),
            Database(lambda: SECRET, wait_seconds=seconds).lock("x"),
        ):
            pass
    assert timeouts == [5, 60]


def test_statements_show_the_correlation_id_of_the_work(database):
    running = "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    with correlate("059f36b4-87a3-44ab-83d2-661975830a7d") as chosen:
        assert database.fetch_dicts(running) == [{"query": f"/* {chosen} */ {running}"}]
        with database.transaction() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE numbers (n integer) ON COMMIT DROP")
            with cursor.copy("COPY numbers FROM STDIN") as copy:
                copy.write_row((1,))
            cursor.executemany("INSERT INTO numbers VALUES (%s)", [(2,), (3,)])
            assert cursor.execute("SELECT sum(n) FROM numbers").fetchone() == (6,)
    assert database.fetch_dicts(running) == [{"query": running}]
