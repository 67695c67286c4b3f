"""Alembic migrations, configured in code so that they run from an installed package."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from shared.db.connection import Secret, connection_arguments
from shared.errors import ReviewlensError, UnavailableError

MIGRATION_LOCK = 7_205_491
"""Advisory lock that serialises migrations."""


class NewerSchemaError(ReviewlensError):
    """A newer release migrated the database to ``revision``, which is unknown here."""

    code = "schema_is_newer"

    def __init__(self, revision: str) -> None:
        super().__init__(f"the database is at revision {revision}, which is newer than this code")
        self.revision = revision


def migrate(secret: Secret, revision: str = "head") -> str:
    """Migrate the database to a revision; an empty database gets all tables.

    Args:
        secret: host, port, username, password, dbname.
        revision: target revision; ``head`` for the newest.

    Returns:
        The current revision of the database.

    Raises:
        NewerSchemaError: its revision is unknown here; nothing is changed.
        UnavailableError: the database does not answer.
    """
    with migration_connection(secret) as (connection, config, _):
        command.upgrade(config, revision)
        connection.commit()
        return _current(connection)


@contextmanager
def migration_connection(secret: Secret) -> Iterator[tuple[Connection, Config, str]]:
    """A connection that holds the lock of migrations, Alembic's configuration, the revision.

    Raises:
        NewerSchemaError: the revision of the database is unknown here.
        UnavailableError: the database does not answer.
    """
    arguments = connection_arguments(secret)
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**arguments),
        poolclass=NullPool,
    )
    config = _config()
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
            connection.commit()
            revision = _current(connection)
            if revision and revision not in known_revisions():
                raise NewerSchemaError(revision)
            config.attributes["connection"] = connection
            yield connection, config, revision
    except OperationalError as error:
        raise UnavailableError("the database does not answer") from error


def head_revision() -> str:
    """The newest known revision."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def known_revisions() -> set[str]:
    """All known revisions."""
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _current(connection: Connection) -> str:
    """The revision of the database; empty without one."""
    revision = MigrationContext.configure(connection).get_current_revision()
    connection.commit()
    return revision or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
