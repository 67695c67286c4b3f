"""The state folder: all data of the stack on this machine, its lock and its running stack."""

import fcntl
import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from local.credentials import AwsKeys
from local.errors import LocalStackError
from local.files import write_atomically
from local.names import training_folder
from local.private import close_folder
from local.quarantine import Quarantine
from local.secret_file import read_secrets

DEFAULT_FOLDER = Path(".reviewlens")
_MARKER = "reviewlens-state"
_LOCK = "lock"
_FORMAT = 1
_MARKER_BODY = f"{_FORMAT}\n".encode()
_LOCK_ATTEMPTS = 10
_LOCK_RETRY_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports of a stack; 0 selects any free port."""

    gateway: int = 8080
    aws: int = 4566
    database: int = 25432


@dataclass(frozen=True, slots=True)
class RunningStack:
    """Contents of ``stack.json``, which describes the running stack."""

    pid: int
    version: str
    gateway: int
    aws: int
    database: int
    children: dict[str, int]

    @property
    def gateway_url(self) -> str:
        """Base URL of the HTTP API."""
        return f"http://127.0.0.1:{self.gateway}"

    @property
    def aws_url(self) -> str:
        """Endpoint of the local AWS, for ``aws --endpoint-url``."""
        return f"http://127.0.0.1:{self.aws}"


class StateFolder:
    """The state folder: its paths, marker, lock and secrets."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.postgres = self.root / "postgres"
        self.s3 = self.root / "s3"
        self.cache = self.root / "cache"
        self.logs = self.root / "logs"
        self.temporary = self.root / "tmp"
        self.training = training_folder(self.cache)
        self.quarantine = Quarantine.beside(self.postgres)
        self.marker = self.root / _MARKER
        self._lock = self.root / _LOCK
        self._running = self.root / "stack.json"

    def create(self) -> None:
        """Create the folder, or accept an existing state folder.

        Raises:
            LocalStackError: the path exists and is not a state folder.
        """
        is_ours = not self.root.exists() or self.has_marker() or self._has_data()
        if not is_ours and not (self.root.is_dir() and not any(self.root.iterdir())):
            raise LocalStackError(
                f"{self.root} exists and is not a Reviewlens state folder; "
                "choose another folder with --state.",
                exit_code=2,
            )
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        close_folder(self.root, without=self.postgres)
        self._check_marker()
        for folder in (self.s3, self.cache, self.logs, self.temporary):
            folder.mkdir(exist_ok=True, mode=0o700)

    def _has_data(self) -> bool:
        """Whether the database or the buckets of a stack are here, even without the marker."""
        return (self.postgres / "global" / "pg_control").is_file() and self.s3.is_dir()

    def _check_marker(self) -> None:
        """Write the marker if it is missing or damaged.

        Raises:
            LocalStackError: a newer release made the folder.
        """
        path = self.marker
        text = path.read_bytes() if path.is_file() else b""
        if text.strip().isdigit() and int(text) > _FORMAT:
            raise LocalStackError(
                f"{path} says that a newer release of Reviewlens made this folder (format "
                f"{int(text)}, this release reads {_FORMAT}): use that release."
            )
        if text != _MARKER_BODY:
            if self._has_data():
                self.quarantine.report(f"{path} was missing or damaged, and was written again.")
            write_atomically(path, _MARKER_BODY)

    def clear_temporary(self) -> None:
        """Remove temporary files of a killed stack; the caller holds the folder's lock."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir(exist_ok=True, mode=0o700)

    def has_marker(self) -> bool:
        """Whether this program created the folder."""
        return self.marker.is_file()

    def secrets(self) -> dict[str, str]:
        """Secrets of this folder, generated on first use.

        Raises:
            LocalStackError: they are lost, and there are data that need them.
        """
        return read_secrets(self.root, self.quarantine, has_data=self._has_data())

    def aws_keys(self) -> AwsKeys:
        """The credentials of this folder's local AWS."""
        stored = self.secrets()
        return AwsKeys(stored["aws_access_key_id"], stored["aws_secret_access_key"])

    def gateway_token(self) -> str:
        """The token of the gateway, where the stack asks for a login."""
        return self.secrets()["gateway_token"]

    def running(self) -> RunningStack | None:
        """The stack that runs on this folder, None if there is none or it was killed."""
        if not self.has_marker() or not is_locked(self._lock):
            return None
        with suppress(OSError, ValueError, TypeError):
            stack = RunningStack(**json.loads(self._running.read_text()))
            return stack if _is_alive(stack.pid) else None
        return None

    def require_running(self) -> RunningStack:
        """The stack that runs on this folder.

        Raises:
            LocalStackError: no stack runs; the message says how to start one.
        """
        running = self.running()
        if running is None and self.has_marker() and is_locked(self._lock):
            message = (
                f"The stack on {self.root} is starting, or its stack.json is damaged: wait, or stop"
                " it with Ctrl-C where it was started and start it again."
            )
            raise LocalStackError(message, exit_code=2)
        if running is None:
            message = f"No stack runs on {self.root}. Start one with `reviewlens up`"
            raise LocalStackError(f"{message} (or `make demo`).", exit_code=2)
        return running

    def announce(self, stack: RunningStack) -> None:
        """Write ``stack.json``, from which other commands learn how to reach the stack."""
        write_atomically(self._running, json.dumps(asdict(stack)).encode())

    def withdraw(self) -> None:
        """Remove ``stack.json``."""
        self._running.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the folder and its contents.

        Raises:
            LocalStackError: it is not a state folder, or a stack runs on it.
        """
        if not self.has_marker():
            raise LocalStackError(f"{self.root} is not a Reviewlens state folder.", exit_code=2)
        with FolderLock(self.root):
            # remove the marker last, so that an interrupted reset can be repeated
            for entry in self.root.iterdir():
                if entry.name == _MARKER:
                    continue
                is_folder = entry.is_dir() and not entry.is_symlink()
                shutil.rmtree(entry) if is_folder else entry.unlink()
            shutil.rmtree(self.root)


def _is_alive(pid: int) -> bool:
    """Whether a process with this id exists.

    The lock alone is not enough: a stack that starts after a kill takes the lock before it removes
    the ``stack.json`` of the killed one.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # a process of another user
    return True


def is_locked(path: Path) -> bool:
    """Whether a running process holds the lock file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        # shared: two concurrent checks must not mistake each other for a stack
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


class FolderLock:
    """Lock held while a stack runs on a folder; the kernel releases it when the process dies."""

    def __init__(self, root: Path) -> None:
        self._path = root / _LOCK
        self._root = root
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise LocalStackError(
                f"A Reviewlens stack is already running on {self._root}. Use it, stop it with "
                "Ctrl-C where it was started, or choose another folder with --state.",
                exit_code=2,
            ) from error
        self._descriptor = descriptor
        return self

    @staticmethod
    def _lock(descriptor: int) -> None:
        """Take the lock, with retries: ``is_locked`` in another command holds it briefly."""
        for _ in range(_LOCK_ATTEMPTS - 1):
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(_LOCK_RETRY_SECONDS)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
