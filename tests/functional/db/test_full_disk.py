"""A database whose disk is full."""

import psycopg
import pytest

from shared.errors import StorageFullError


def test_a_full_disk_of_the_database_is_unavailable_with_its_own_code(database):
    def fill():
        with database.transaction() as connection:
            connection.execute("DO $$ BEGIN RAISE 'disk full' USING ERRCODE = '53100'; END $$")

    with pytest.raises(StorageFullError, match="the disk of the database is full") as full:
        fill()
    assert isinstance(full.value.__cause__, psycopg.errors.DiskFull)
    assert (full.value.status, full.value.retryable) == (503, True)
    database.ping()
