"""Indexes of the database that lack rows of their table."""

import psycopg
import pytest

from local.backup.database import snapshot
from shared.db.connection import connection_arguments
from shared.db.table_indexes import contradicting_indexes, rebuild_index

HIDE = "UPDATE pg_index SET indisready = {} WHERE indexrelid = '{}'::regclass"


@pytest.fixture
def owner(postgres):
    """A connection of the owner, with a table of its own."""
    with psycopg.connect(**connection_arguments(postgres.secret), autocommit=True) as connection:
        connection.execute("CREATE TABLE trial (number integer, name text)")
        connection.execute("CREATE INDEX trial_numbers ON trial (number DESC, name)")
        connection.execute("CREATE INDEX trial_names ON trial (lower(name)) WHERE number > 1")
        connection.execute("INSERT INTO trial VALUES (1, 'a'), (2, 'b'), (3, NULL), (NULL, 'd')")
        yield connection
        connection.execute("DROP TABLE trial")


def compare(postgres):
    with snapshot(postgres.secret) as (connection, _):
        return contradicting_indexes(connection)


def test_indexes_agree_with_their_tables(postgres, owner):
    compared, problems = compare(postgres)
    assert problems == {}
    (indexes,) = owner.execute(
        "SELECT count(*) FROM pg_index JOIN pg_class AS c ON c.oid = indrelid"
        " WHERE relnamespace = 'public'::regnamespace"
    ).fetchone()
    assert indexes * 0.8 < compared <= indexes


@pytest.mark.parametrize("name", ["trial_numbers", "trial_names"])
def test_an_index_that_lacks_a_row_is_named(postgres, owner, name):
    owner.execute(HIDE.format("false", name))
    owner.execute("INSERT INTO trial VALUES (5, 'e')")
    owner.execute(HIDE.format("true", name))
    problems = compare(postgres)[1]
    assert list(problems) == [name]
    assert problems[name].startswith(f"index {name} has ")
    rebuild_index(owner, name)
    assert compare(postgres)[1] == {}
