"""The state folder: everything that the stack keeps on this machine, and who is using it."""

import fcntl
import json
import os
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from local.errors import LocalStackError

DEFAULT_FOLDER = Path(".reviewlens")
_MARKER = "reviewlens-state"
_FORMAT = "1"
_LOCK_ATTEMPTS = 10
_LOCK_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports of a stack; 0 asks for any free one."""

    gateway: int = 8080
    aws: int = 4566
    database: int = 25432


@dataclass(frozen=True, slots=True)
class RunningStack:
    """What a running stack says of itself in ``stack.json``."""

    pid: int
    version: str
    gateway: int
    aws: int
    database: int
    children: dict[str, int]

    @property
    def gateway_url(self) -> str:
        """Base of the HTTP API."""
        return f"http://127.0.0.1:{self.gateway}"

    @property
    def aws_url(self) -> str:
        """Endpoint for ``aws --endpoint-url``."""
        return f"http://127.0.0.1:{self.aws}"


def write_atomically(path: Path, body: bytes, *, mode: int = 0o644) -> None:
    """Replace a file so that a kill leaves the old or the new one, never a part of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and deletions in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class StateFolder:
    """Paths inside the folder, its marker, its lock and its secrets."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.postgres = self.root / "postgres"
        self.s3 = self.root / "s3"
        self.cache = self.root / "cache"
        self.logs = self.root / "logs"
        self.temporary = self.root / "tmp"

    def create(self) -> None:
        """Make the folder, or accept one that this program made.

        Raises:
            LocalStackError: the path holds something else.
        """
        ours = not self.root.exists() or self.is_state()
        if not ours and not (self.root.is_dir() and not any(self.root.iterdir())):
            raise LocalStackError(
                f"{self.root} exists and is not a Reviewlens state folder; "
                "name another one with --state.",
                exit_code=2,
            )
        self.root.mkdir(parents=True, exist_ok=True, mode=0o755)
        if not self.is_state():
            write_atomically(self.root / _MARKER, f"{_FORMAT}\n".encode())
        for folder in (self.s3, self.cache, self.logs, self.temporary):
            folder.mkdir(exist_ok=True)

    def clear_temporary(self) -> None:
        """Remove what a killed stack was working on; the caller holds the folder's lock."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir(exist_ok=True)

    def is_state(self) -> bool:
        """Whether this program made the folder."""
        return (self.root / _MARKER).is_file()

    def secrets(self) -> dict[str, str]:
        """Secrets of this folder, made at random the first time: file mode 0600."""
        path = self.root / "secrets.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        wanted = {"reviewer_key": 32, "database_password": 18}
        fresh = {name: secrets.token_hex(n) for name, n in wanted.items() if name not in known}
        if fresh:
            known |= fresh
            write_atomically(path, json.dumps(known).encode(), mode=0o600)
        return known

    def running(self) -> RunningStack | None:
        """The stack that holds this folder now, None where none does (or it was killed)."""
        if not self.is_state() or not is_locked(self.root / "lock"):
            return None
        with suppress(OSError, ValueError, TypeError):
            announced = RunningStack(**json.loads((self.root / "stack.json").read_text()))
            return announced if _lives(announced.pid) else None
        return None

    def announce(self, stack: RunningStack) -> None:
        """Write ``stack.json``, by which the other commands find the stack."""
        write_atomically(self.root / "stack.json", json.dumps(asdict(stack)).encode())

    def withdraw(self) -> None:
        """Remove ``stack.json``."""
        (self.root / "stack.json").unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the folder and all that is in it.

        Raises:
            LocalStackError: it is not a state folder, or a stack runs on it.
        """
        if not self.is_state():
            raise LocalStackError(f"{self.root} is not a Reviewlens state folder.", exit_code=2)
        with FolderLock(self.root):
            # the marker goes last, so that an interrupted reset can be repeated
            for entry in self.root.iterdir():
                if entry.name == _MARKER:
                    continue
                whole = entry.is_dir() and not entry.is_symlink()
                shutil.rmtree(entry) if whole else entry.unlink()
            shutil.rmtree(self.root)


def _lives(pid: int) -> bool:
    """Whether there is such a process.

    A stack that starts after a kill holds the lock before it withdraws what the dead one announced.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        # shared: two that ask at the same moment do not take each other for a stack
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


class FolderLock:
    """Held while a stack runs on a folder; the kernel drops it when the process dies."""

    def __init__(self, root: Path) -> None:
        self._path = root / "lock"
        self._root = root
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise LocalStackError(
                f"A Reviewlens stack already runs on {self._root}. Use it, stop it with Ctrl-C "
                "where it was started, or name another folder with --state.",
                exit_code=2,
            ) from error
        self._descriptor = descriptor
        return self

    @staticmethod
    def _lock(descriptor: int) -> None:
        """Take the lock; a command that asks who runs (is_locked) may have it for a moment."""
        for _ in range(_LOCK_ATTEMPTS - 1):
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(_LOCK_PAUSE)
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
