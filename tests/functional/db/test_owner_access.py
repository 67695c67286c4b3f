"""Migrations connect as the owner with an IAM token, as the functions do as their user.

RDS lets members of ``rds_iam`` connect with a token only, and other users with a password. Here
pg_hba.conf has a rule for the same members. A fake endpoint checks the tokens in place of RDS, and
the server trusts it.
"""

import psycopg
import pytest

from lambdas.migrations.dependencies import build_dependencies
from lambdas.migrations.handler import handler
from shared.db.access import open_database
from shared.db.connection import connection_arguments
from shared.db.migrations import head_revision
from shared.db.roles import TABLE_PRIVILEGES
from shared.settings.base import DatabaseSettings
from tests.fakes.rds_proxy import RdsProxy

OWNER, USER, DATABASE = "rds_owner", "rds_user", "rds_owned"
PASSWORD = "owner-password"


@pytest.fixture
def rds(postgres):
    """A database of an owner that is not a superuser; it may grant IAM, as on RDS."""
    arguments = connection_arguments(postgres.secret)
    statements = (
        "CREATE ROLE rds_iam",
        f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{PASSWORD}'",
        f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
    )
    with psycopg.connect(**arguments, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
        with psycopg.connect(**(arguments | {"dbname": DATABASE})) as owned:
            owned.execute("CREATE EXTENSION vector")
            owned.execute(f"ALTER SCHEMA public OWNER TO {OWNER}")
        yield connection
        connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        connection.execute(f"DROP ROLE IF EXISTS {USER}")
        connection.execute(f"DROP ROLE {OWNER}")
        connection.execute("DROP ROLE rds_iam")


@pytest.fixture
def configure(postgres, rds, first_rule, role_keys, tmp_path, monkeypatch):
    """``configure(user)``: connect as a user through an endpoint that accepts tokens only."""
    monkeypatch.delenv("REVIEWLENS_DATABASE_SECRET_ID", raising=False)
    endpoint = RdsProxy((postgres.secret["host"], postgres.secret["port"]), tmp_path / "rds")
    values = {"host": "localhost", "port": endpoint.port, "name": DATABASE}
    for name, value in (values | {"ca_file": endpoint.ca_file}).items():
        monkeypatch.setenv(f"REVIEWLENS_DATABASE_{name.upper()}", str(value))

    def connect_as(user):
        monkeypatch.setenv("REVIEWLENS_DATABASE_USER", user)
        monkeypatch.setenv("REVIEWLENS_APP_USER", USER)
        monkeypatch.setenv("REVIEWLENS_WAKE_SECONDS", "0")
        build_dependencies.cache_clear()

    with first_rule("host all +rds_iam 127.0.0.1/32 trust"):
        yield connect_as
    endpoint.close()
    build_dependencies.cache_clear()


def test_the_owner_migrates_with_a_token_and_so_does_the_user_connect(rds, configure):
    # what RDS does for a master user with IAM authentication
    rds.execute(f"GRANT rds_iam TO {OWNER} WITH ADMIN OPTION")
    configure(OWNER)
    for _ in range(2):  # the second deployment is the one that a lock-out would stop
        assert handler({}, None) == {"revision": head_revision()}
    configure(USER)
    database = open_database(DatabaseSettings(database_wait_seconds=3))
    with database.transaction() as connection:
        assert connection.execute("SELECT current_user").fetchone() == (USER,)
        for table in TABLE_PRIVILEGES:
            connection.execute(f"SELECT FROM {table}")
    database.close()


def test_an_owner_with_a_password_would_lock_itself_out(postgres, rds, first_rule):
    """The creator of a role is a member of it, and pg_hba.conf counts indirect members."""
    secret = {**postgres.secret, "username": OWNER, "password": PASSWORD, "dbname": DATABASE}
    with first_rule("host all +rds_iam 127.0.0.1/32 reject"):
        with psycopg.connect(**connection_arguments(secret)) as owner:
            owner.execute(f"CREATE ROLE {USER} LOGIN")
        rds.execute(f"GRANT rds_iam TO {USER}")
        with pytest.raises(psycopg.OperationalError, match="rejects connection"):
            psycopg.connect(**connection_arguments(secret))
