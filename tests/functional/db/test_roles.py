"""The functions' user has exactly the privileges that the functions need."""

import psycopg
import pytest

from shared.db.connection import connection_arguments
from shared.db.roles import TABLE_PRIVILEGES, grant_access
from shared.errors import UnavailableError
from shared.settings.base import APP_USER


def execute(secret, query, *arguments):
    with psycopg.connect(**connection_arguments(secret)) as connection:
        cursor = connection.execute(query, arguments)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def test_the_tests_of_all_functions_run_as_the_functions_user(database):
    with database.transaction() as connection:
        assert connection.execute("SELECT current_user").fetchone() == (APP_USER,)


def test_every_table_has_privileges_listed(postgres):
    tables = execute(
        postgres.secret,
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
    )
    assert {name for (name,) in tables} - {"alembic_version"} == set(TABLE_PRIVILEGES)


@pytest.mark.parametrize(
    "forbidden",
    [
        "DROP TABLE rejects",
        "TRUNCATE reviews CASCADE",
        "ALTER TABLE reviews ADD COLUMN more text",
        "CREATE TABLE public.mine (n int)",
        "DELETE FROM ingests",
        "DELETE FROM training_runs",
        "UPDATE alembic_version SET version_num = '0000'",
        "CREATE ROLE another",
        f"ALTER ROLE {APP_USER} SUPERUSER",
        "COPY products TO PROGRAM 'cat'",
    ],
)
def test_other_statements_are_refused(app_secret, forbidden):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(app_secret, forbidden)


def test_unlisted_privileges_are_revoked(postgres, app_secret):
    execute(postgres.secret, f"GRANT DELETE ON analyses TO {APP_USER}")
    assert execute(app_secret, "DELETE FROM analyses WHERE review_id = 'missing'") == 0
    grant_access(postgres.secret, APP_USER)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(app_secret, "DELETE FROM analyses WHERE review_id = 'missing'")


def test_with_iam_the_user_is_a_member_of_the_iam_role(postgres):
    execute(postgres.secret, "CREATE ROLE rds_iam")
    try:
        grant_access(postgres.secret, "other_user")
        assert execute(
            postgres.secret, "SELECT pg_has_role('other_user', 'rds_iam', 'MEMBER')"
        ) == [(True,)]
        # the user has no password
        assert execute(
            postgres.secret, "SELECT rolpassword FROM pg_authid WHERE rolname = 'other_user'"
        ) == [(None,)]
    finally:
        execute(postgres.secret, "DROP OWNED BY other_user")
        execute(postgres.secret, "DROP ROLE other_user, rds_iam")


def test_a_missing_database_is_unavailable(tmp_path):
    secret = {"host": str(tmp_path), "port": 1, "username": "u", "password": "p", "dbname": "d"}
    with pytest.raises(UnavailableError):
        grant_access(secret, APP_USER)
