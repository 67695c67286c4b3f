"""Connections to PostgreSQL: a small pool that survives a restart or a freeze of the server."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from math import ceil
from typing import Any

import psycopg
from psycopg.abc import Params, QueryNoTemplate
from psycopg.rows import TupleRow, dict_row
from psycopg_pool import ConnectionPool

from shared.db.comments import CommentingCursor
from shared.db.watchdog import Watchdog
from shared.errors import StorageFullError, UnavailableError

Connection = psycopg.Connection[TupleRow]
Secret = Mapping[str, Any]
"""Credentials of a connection: host, port, username, password, dbname."""
TLS_FIELDS = ("sslmode", "sslrootcert")
"""Fields that a secret may have in addition."""
_MIN_CONNECT_SECONDS = 5
_CHECK_SECONDS = 1.0
"""Time in which an idle connection must answer to be used again."""
_DOES_NOT_ANSWER = "the database does not answer"
_EXTENDING_A_FILE = frozenset({"mdextend", "mdzeroextend"})
"""Functions of PostgreSQL that fail without a code of their own if a quota is used up."""
_KEEPALIVES = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Detects a network that drops packets silently; a frozen server is left to the watchdog."""


def connection_arguments(
    secret: Secret, *, timeout_seconds: int = _MIN_CONNECT_SECONDS
) -> dict[str, Any]:
    """Convert a secret to arguments of psycopg.connect.

    The host may be a folder with a Unix socket. Connections use neither SET nor prepared
    statements, because both would pin a connection of RDS Proxy to one client. A secret may contain
    ``sslmode`` and ``sslrootcert``; by default libpq uses TLS if the server supports it.
    """
    return {
        **{name: secret[name] for name in TLS_FIELDS if name in secret},
        "host": secret["host"],
        "port": int(secret["port"]),
        "user": secret["username"],
        "password": secret["password"],
        "dbname": secret["dbname"],
        "connect_timeout": timeout_seconds,
        **_KEEPALIVES,
        "application_name": "reviewlens",
        "prepare_threshold": None,
    }


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise UnavailableError for a lost connection, a deadlock or a restart: a retry can help."""
    try:
        yield
    except (psycopg.errors.DiskFull, psycopg.errors.InternalError_) as error:
        is_full = isinstance(error, psycopg.errors.DiskFull)
        if not is_full and error.diag.source_function not in _EXTENDING_A_FILE:
            raise
        raise StorageFullError("the disk of the database is full") from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise UnavailableError(_DOES_NOT_ANSWER) from error


class Database:
    """Provides connections from a pool; the first one is opened on first use.

    Args:
        secret: returns the credentials; called for each new connection, so that a rotated password
            works and tokens are fresh.
        pool_size: maximum number of connections.
        wait_seconds: how long a caller waits for a connection. The default, with the patience of
            the watchdog, lets a request fail within 5 seconds.
    """

    def __init__(
        self,
        secret: Callable[[], Secret],
        *,
        pool_size: int = 4,
        wait_seconds: float = 3.5,
    ) -> None:
        self._secret = secret
        # a paused server accepts the connection and answers once it has resumed
        self._connect_seconds = max(_MIN_CONNECT_SECONDS, ceil(wait_seconds))
        self._pool = ConnectionPool(
            # psycopg also accepts a callable, and calls it for each new connection
            kwargs=self._arguments,
            min_size=0,
            max_size=pool_size,
            open=False,
            timeout=wait_seconds,
            # longer retries in a background thread would only delay the error
            reconnect_timeout=wait_seconds / 2,
            check=self._check,
            name="reviewlens",
        )
        self._watchdog = Watchdog()
        self._is_down = False
        self._trial = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Run the block in one transaction: committed at its end, rolled back by an exception.

        Raises:
            UnavailableError: the server does not answer or closed the connection (retryable).
        """
        with _translate_errors():
            connection = self._take_connection()
            try:
                with self._watchdog.watch(connection), connection:
                    yield connection
            finally:
                self._pool.putconn(connection)

    def _take_connection(self) -> Connection:
        """Take a connection from the pool.

        While the server is down, one caller waits for it and all others fail at once: they would
        occupy the threads that routes without a database need.
        """
        self._pool.open()
        is_trial = self._is_down
        if is_trial and not self._trial.acquire(blocking=False):
            raise UnavailableError(_DOES_NOT_ANSWER)
        try:
            connection = self._pool.getconn()
        except psycopg.OperationalError:
            self._is_down = True
            raise
        finally:
            if is_trial:
                self._trial.release()
        self._is_down = False
        return connection

    def _check(self, connection: Connection) -> None:
        """Raise unless an idle connection answers soon."""
        with self._watchdog.watch(connection, limit_seconds=_CHECK_SECONDS):
            ConnectionPool.check_connection(connection)

    @contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """Try to hold an advisory lock during the block; yields whether it was acquired.

        The lock uses its own connection: a killed process releases it immediately, and holders
        cannot exhaust the pool that their work needs.
        """
        with _translate_errors():
            connection = psycopg.connect(**self._arguments(), autocommit=True)
        try:
            with _translate_errors(), self._watchdog.watch(connection):
                row = connection.execute(
                    "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (name,)
                ).fetchone()
            yield bool(row and row[0])
        finally:
            # after close() alone, the server would release the lock a moment later
            with suppress(psycopg.Error), self._watchdog.watch(connection):
                connection.execute("SELECT pg_advisory_unlock_all()")
            connection.close()

    def fetch_dicts(self, query: QueryNoTemplate, arguments: Params = ()) -> list[dict[str, Any]]:
        """Run one query in its own transaction and return the rows as dicts."""
        with self.transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, arguments).fetchall()

    def _arguments(self) -> dict[str, Any]:
        arguments = connection_arguments(self._secret(), timeout_seconds=self._connect_seconds)
        return {**arguments, "cursor_factory": CommentingCursor}

    def ping(self) -> None:
        """Raise UnavailableError unless the database answers."""
        with self.transaction() as connection:
            connection.execute("SELECT 1")

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
