"""Ends waits for a server that has stopped answering.

The kernel of a frozen server still acknowledges what it receives, so neither TCP nor libpq notices,
and a statement would wait without end. A watchdog asks the server for a sign of life while a
statement takes long, and shuts the socket down if there is none: the statement then fails like one
on a lost connection. A server that answers may take as long as it needs.
"""

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

_PATIENCE_SECONDS = 1.5
"""Age of a transaction from which the server is asked for a sign of life."""
_PROBE_SECONDS = 1.5
_POLL_SECONDS = 0.25
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""The first message of a connection with TLS: a server answers it with one byte."""


@dataclass(slots=True)
class _Watched:
    descriptor: int
    address: tuple[str, int]
    due: float
    limited: bool


class Watchdog:
    """Watches the connections that are in use, in one thread per process and database."""

    def __init__(self) -> None:
        self._entries: dict[int, _Watched] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watch(
        self, connection: psycopg.Connection[Any], *, limit_seconds: float | None = None
    ) -> Iterator[None]:
        """Cut the connection during the block if the server stops answering.

        Args:
            connection: an open connection.
            limit_seconds: also cut it after this time; None: a server that answers has any time.
        """
        seconds = _PATIENCE_SECONDS if limit_seconds is None else limit_seconds
        entry = _Watched(
            # a copy stays valid while libpq closes its own
            os.dup(connection.pgconn.socket),
            (connection.info.host, connection.info.port),
            time.monotonic() + seconds,
            limit_seconds is not None,
        )
        self._add(entry)
        try:
            yield
        finally:
            with self._changed:
                del self._entries[entry.descriptor]
                os.close(entry.descriptor)

    def _add(self, entry: _Watched) -> None:
        with self._changed:
            self._entries[entry.descriptor] = entry
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="database-watchdog", daemon=True
                )
                self._thread.start()
            elif len(self._entries) == 1:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._entries)
            time.sleep(_POLL_SECONDS)
            self._check()

    def _check(self) -> None:
        now = time.monotonic()
        with self._changed:
            due = [entry for entry in self._entries.values() if entry.due <= now]
        signs = {entry.address: True for entry in due if not entry.limited}
        for address in signs:
            signs[address] = is_answering(*address)
        with self._changed:
            for entry in due:
                if self._entries.get(entry.descriptor) is not entry:
                    continue
                if entry.limited or not signs[entry.address]:
                    _shut_down(entry.descriptor)
                entry.due = time.monotonic() + _PATIENCE_SECONDS


def is_answering(host: str, port: int) -> bool:
    """Whether a PostgreSQL server (or proxy) reacts to a new connection."""
    try:
        with _connect(host, port) as probe:
            probe.sendall(_SSL_REQUEST)
            return bool(probe.recv(1))
    except OSError:
        return False


def _connect(host: str, port: int) -> socket.socket:
    if not host.startswith("/"):
        return socket.create_connection((host, port), _PROBE_SECONDS)
    probe = socket.socket(socket.AF_UNIX)
    try:
        probe.settimeout(_PROBE_SECONDS)
        probe.connect(str(Path(host, f".s.PGSQL.{port}")))
    except BaseException:
        probe.close()
        raise
    return probe


def _shut_down(descriptor: int) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as connected, suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
