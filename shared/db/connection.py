"""Connections to PostgreSQL: a small pool that outlives a restart of the server."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from math import ceil
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from shared.errors import UnavailableError

Connection = psycopg.Connection[TupleRow]
Secret = Mapping[str, Any]
"""What a connection is opened with: host, port, username, password, dbname."""
_TLS = ("sslmode", "sslrootcert")
_CONNECT_SECONDS = 5


def connection_arguments(
    secret: Secret, *, timeout_seconds: int = _CONNECT_SECONDS
) -> dict[str, Any]:
    """Turn the secret into arguments of psycopg.connect.

    The host may be a folder with a Unix socket. There is no SET and no prepared statement, as
    either would tie a connection of RDS Proxy to one client. A secret may bring ``sslmode`` and
    ``sslrootcert``; without them libpq encrypts where the server does.
    """
    return {
        **{name: secret[name] for name in _TLS if name in secret},
        "host": secret["host"],
        "port": int(secret["port"]),
        "user": secret["username"],
        "password": secret["password"],
        "dbname": secret["dbname"],
        "connect_timeout": timeout_seconds,
        "application_name": "reviewlens",
        "prepare_threshold": None,
    }


@contextmanager
def _translated() -> Iterator[None]:
    """A lost or refused connection, a deadlock or a restart can be retried; the rest is a bug."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise UnavailableError("the database does not answer") from error


class Database:
    """Hands out connections; nothing is opened before the first one is asked for.

    Args:
        secret: gives the secret; asked at each new connection, so that a rotated password works,
            and a token is a fresh one.
        pool_size: connections at most.
        wait_seconds: how long a caller waits for one.
    """

    def __init__(
        self,
        secret: Callable[[], Secret],
        *,
        pool_size: int = 4,
        wait_seconds: float = 5.0,
    ) -> None:
        self._secret = secret
        # a paused server takes the connection and answers when it is awake
        self._connect_seconds = max(_CONNECT_SECONDS, ceil(wait_seconds))
        self._pool = ConnectionPool(
            # psycopg takes ``kwargs`` from a callable as well, at each new connection
            kwargs=self._arguments,
            min_size=0,
            max_size=pool_size,
            open=False,
            timeout=wait_seconds,
            # a background thread that goes on retrying would only delay the answer
            reconnect_timeout=wait_seconds / 2,
            check=ConnectionPool.check_connection,
            name="reviewlens",
        )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed on leaving, rolled back by an exception.

        Raises:
            UnavailableError: the server does not answer or went away (retryable).
        """
        with _translated():
            self._pool.open()
            with self._pool.connection() as connection:
                yield connection

    @contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """Hold an advisory lock for as long as the block runs; yields whether we have it.

        It lives in a connection of its own: a killed process loses it at once, and holders cannot
        use up the pool that they need to get their work done.
        """
        with _translated():
            connection = psycopg.connect(**self._arguments(), autocommit=True)
        try:
            with _translated():
                row = connection.execute(
                    "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (name,)
                ).fetchone()
            yield bool(row and row[0])
        finally:
            # closing alone would free the lock a moment after the next worker has asked for it
            with suppress(psycopg.Error):
                connection.execute("SELECT pg_advisory_unlock_all()")
            connection.close()

    def _arguments(self) -> dict[str, Any]:
        return connection_arguments(self._secret(), timeout_seconds=self._connect_seconds)

    def ping(self) -> None:
        """Raise UnavailableError unless the database answers."""
        with self.transaction() as connection:
            connection.execute("SELECT 1")

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
