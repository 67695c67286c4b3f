"""Alembic migrations, configured in code so that they run from an installed package."""

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

LOCK = 7_205_491
"""Advisory lock: two runners migrate one after the other."""


class NewerSchemaError(ReviewlensError):
    """A newer release migrated the database; ``revision`` is one that this code does not know."""

    code = "schema_is_newer"

    def __init__(self, revision: str) -> None:
        super().__init__(f"the database is at revision {revision}, which is newer than this code")
        self.revision = revision


def migrate(secret: Secret, revision: str = "head") -> str:
    """Bring the database to a revision (create everything in an empty one).

    Args:
        secret: host, port, username, password, dbname.
        revision: where to; ``head`` for the newest.

    Returns:
        The revision that the database is at now.

    Raises:
        NewerSchemaError: it is at a revision that this code does not know; nothing is changed.
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
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            connection.commit()
            _refuse_newer(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            connection.commit()
            return MigrationContext.configure(connection).get_current_revision() or ""
    except OperationalError as error:
        raise UnavailableError("the database does not answer") from error


def head() -> str:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def revisions() -> set[str]:
    """All revisions that this code knows."""
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _refuse_newer(connection: Connection) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    connection.commit()
    if found is not None and found not in revisions():
        raise NewerSchemaError(found)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
