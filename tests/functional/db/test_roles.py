"""The functions' user does what the functions do, and nothing else."""

import psycopg
import pytest

from shared.db.connection import connection_arguments
from shared.db.roles import RIGHTS, let_in
from shared.errors import ReviewlensError, UnavailableError
from shared.settings.base import APP_USER


def ask(secret, query, *arguments):
    with psycopg.connect(**connection_arguments(secret)) as connection:
        cursor = connection.execute(query, arguments)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def test_the_tests_of_all_functions_run_as_that_user(database):
    with database.transaction() as connection:
        assert connection.execute("SELECT current_user").fetchone() == (APP_USER,)


def test_every_table_has_its_rights_written_down(postgres):
    found = ask(
        postgres.secret,
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
    )
    assert {name for (name,) in found} - {"alembic_version"} == set(RIGHTS)


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
def test_what_no_function_does_is_refused(app_secret, forbidden):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(app_secret, forbidden)


def test_rights_that_are_no_longer_written_down_are_taken_back(postgres, app_secret):
    ask(postgres.secret, f"GRANT DELETE ON products TO {APP_USER}")
    assert ask(app_secret, "DELETE FROM products WHERE product_id = 'nobody'") == 0
    let_in(postgres.secret, APP_USER)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(app_secret, "DELETE FROM products WHERE product_id = 'nobody'")


def test_where_iam_guards_the_database_the_user_is_one_of_its(postgres):
    ask(postgres.secret, "CREATE ROLE rds_iam")
    try:
        let_in(postgres.secret, "somebody")
        assert ask(postgres.secret, "SELECT pg_has_role('somebody', 'rds_iam', 'MEMBER')") == [
            (True,)
        ]
        # and it has no password by which to come in otherwise
        assert ask(
            postgres.secret, "SELECT rolpassword FROM pg_authid WHERE rolname = 'somebody'"
        ) == [(None,)]
    finally:
        ask(postgres.secret, "DROP OWNED BY somebody")
        ask(postgres.secret, "DROP ROLE somebody, rds_iam")


def test_where_iam_would_lock_the_owner_out_it_is_taken_back(postgres, monkeypatch):
    ask(postgres.secret, "CREATE ROLE rds_iam")
    connect, opened = psycopg.connect, []

    def once(**arguments):
        if opened:
            raise psycopg.OperationalError("PAM authentication failed")
        opened.append(connect(**arguments))
        return opened[0]

    try:
        with monkeypatch.context() as patched:
            patched.setattr(psycopg, "connect", once)
            with pytest.raises(ReviewlensError, match="IAM was taken back"):
                let_in(postgres.secret, "somebody")
        assert ask(postgres.secret, "SELECT pg_has_role('somebody', 'rds_iam', 'MEMBER')") == [
            (False,)
        ]
    finally:
        ask(postgres.secret, "DROP OWNED BY somebody")
        ask(postgres.secret, "DROP ROLE somebody, rds_iam")


def test_no_database_is_unavailable(tmp_path):
    secret = {"host": str(tmp_path), "port": 1, "username": "u", "password": "p", "dbname": "d"}
    with pytest.raises(UnavailableError):
        let_in(secret, APP_USER)
