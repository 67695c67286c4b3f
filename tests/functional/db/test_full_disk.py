"""A database whose disk is full."""

import resource

import psycopg
import pytest

from local.stack.ports import free_port
from local.stack.postgres import Postgres
from shared.db.connection import Database
from shared.errors import StorageFullError

LIMIT_BYTES = 20 * 2**20
"""More than a file of the write-ahead log (16 MiB)."""


@pytest.fixture
def small_server(shared_path):
    """A server that may not let a file grow beyond LIMIT_BYTES, as a quota does."""
    server = Postgres(
        shared_path / "data",
        port=free_port(0, purpose="test database", option="-"),
        password="not a secret",
        log_path=shared_path / "log",
    )
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, limits[1]))
    try:
        server.start()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    yield server
    server.stop()


@pytest.fixture
def small_database(small_server):
    database = Database(lambda: small_server.secret)
    yield database
    database.close()


def assert_full(database, statement, cause):
    def fill():
        with database.transaction() as connection:
            connection.execute(statement)

    with pytest.raises(StorageFullError, match="the disk of the database is full") as full:
        fill()
    assert isinstance(full.value.__cause__, cause)
    assert (full.value.status, full.value.retryable) == (503, True)
    database.ping()


def test_a_full_disk_of_the_database_is_unavailable_with_its_own_code(database):
    statement = "DO $$ BEGIN RAISE 'disk full' USING ERRCODE = '53100'; END $$"
    assert_full(database, statement, psycopg.errors.DiskFull)


def test_a_quota_of_the_database_is_a_full_disk(small_database):
    """PostgreSQL has a code for a full disk, but none for a quota or a limit on files."""
    with small_database.transaction() as connection:
        connection.execute("CREATE TABLE filled AS SELECT 1 AS number")
    fill = "INSERT INTO filled SELECT number FROM generate_series(1, 1000000) AS number"
    assert_full(small_database, fill, psycopg.errors.InternalError_)
    with small_database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM filled").fetchone() == (1,)
        connection.execute("CREATE TABLE other AS SELECT 2 AS number")
