"""The database in a backup: a dump of one snapshot, and what the snapshot holds."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from local.errors import LocalStackError
from local.stack.cluster import binaries
from shared.db.connection import Secret, connection_arguments

_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
"""
_TEXTS = "SELECT concat_ws('. ', title, text) FROM reviews ORDER BY md5(review_id) LIMIT %s"


@contextmanager
def snapshot(secret: Secret) -> Iterator[tuple[psycopg.Connection, str]]:
    """A read-only transaction, and the name under which others read the same snapshot."""
    with psycopg.connect(**connection_arguments(secret)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        yield connection, str(row[0] if row else "")


def count_rows(connection: psycopg.Connection) -> dict[str, int]:
    """Number of rows of every table."""
    tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
    counts = {}
    for table in tables:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        row = connection.execute(query).fetchone()
        counts[str(table)] = int(row[0]) if row else 0
    return counts


def read_revision(connection: psycopg.Connection) -> str:
    """The revision of the schema."""
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


def sample_texts(connection: psycopg.Connection, count: int) -> list[str]:
    """Texts of some reviews, the same ones each time."""
    return [text for (text,) in connection.execute(_TEXTS, (count,)).fetchall()]


def dump(secret: Secret, snapshot_name: str, path: Path) -> None:
    """Write a dump of a snapshot in pg_dump's custom format, compressed.

    Raises:
        LocalStackError: pg_dump failed; the message has its reason.
    """
    options = ["--format=custom", f"--snapshot={snapshot_name}", "--no-owner", "--no-privileges"]
    _run("pg_dump", secret, [*options, f"--file={path}"])


def restore(secret: Secret, path: Path) -> None:
    """Restore a dump into an empty database, in one transaction; errors as in ``dump``."""
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _run("pg_restore", secret, [*options, f"--dbname={secret['dbname']}", str(path)])


def _run(program: str, secret: Secret, arguments: list[str]) -> None:
    environment = os.environ | {
        "PGHOST": str(secret["host"]),
        "PGPORT": str(secret["port"]),
        "PGUSER": str(secret["username"]),
        "PGPASSWORD": str(secret["password"]),
        "PGDATABASE": str(secret["dbname"]),
    }
    done = subprocess.run(  # noqa: S603 - our own program
        [str(binaries() / program), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        reason = " ".join(done.stderr.split())[-400:]
        raise LocalStackError(f"{program} failed: {reason}")
