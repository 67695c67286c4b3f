"""The pool tells what can be retried from what cannot."""

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
