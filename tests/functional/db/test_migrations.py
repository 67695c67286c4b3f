"""Migrations bring any database to the newest revision, also when run concurrently."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from shared.db.connection import connection_arguments
from shared.db.migrations import head_revision, migrate
from shared.errors import UnavailableError


@pytest.fixture
def empty(postgres):
    """Secret of a database without tables."""
    with psycopg.connect(**connection_arguments(postgres.secret), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS empty")
        connection.execute("CREATE DATABASE empty")
        yield {**postgres.secret, "dbname": "empty"}
        connection.execute("DROP DATABASE empty WITH (FORCE)")


def tables(secret):
    with psycopg.connect(**connection_arguments(secret)) as connection:
        rows = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        return {name for (name,) in rows}


def test_concurrent_migrations_create_the_tables_once(empty):
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(migrate, [empty] * 4)) == {head_revision()}
    assert tables(empty) >= {"products", "reviews", "analyses", "ingests", "shards", "rejects"}
    with psycopg.connect(**connection_arguments(empty)) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_extension WHERE extname = 'vector'"
        ).fetchone() == (1,)


def test_migrating_again_keeps_the_data(empty):
    migrate(empty)
    with psycopg.connect(**connection_arguments(empty)) as connection:
        connection.execute("INSERT INTO products VALUES ('p', 't', 'c')")
    assert migrate(empty) == head_revision()
    with psycopg.connect(**connection_arguments(empty)) as connection:
        assert connection.execute("SELECT count(*) FROM products").fetchone() == (1,)


def test_a_missing_database_is_unavailable(tmp_path):
    secret = {"host": str(tmp_path), "port": 1, "username": "u", "password": "p", "dbname": "d"}
    with pytest.raises(UnavailableError):
        migrate(secret)
