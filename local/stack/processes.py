"""Processes of a function that is invoked: one for each event at a time, as on Lambda."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from local.errors import LocalStackError

_MAX_PROCESSES = 4
_PASSED = ("PATH", "LANG", "TMPDIR", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR")


class FunctionProcesses:
    """Starts processes of one function when it is called, and keeps them for the next calls.

    A process gets the settings of its function and no credentials.
    """

    def __init__(
        self, module: str, *, variables: Mapping[str, str], log_path: Path, timeout_seconds: float
    ) -> None:
        """Prepare the processes without starting any.

        Args:
            module: module whose ``handler`` is called.
            variables: the environment of the stack; see ``isolated_environment``.
            log_path: file for their output.
            timeout_seconds: time for an event; after that its process is killed.
        """
        self._command = [sys.executable, "-m", "local.stack.invoked", module]
        self._environment = isolated_environment(variables)
        self._log_path = log_path
        self._timeout_seconds = timeout_seconds
        self._slots = threading.BoundedSemaphore(_MAX_PROCESSES)
        self._lock = threading.Lock()
        self._idle: list[subprocess.Popen[bytes]] = []
        self._all: set[subprocess.Popen[bytes]] = set()

    def __call__(self, event: bytes) -> bytes:
        """The result of an event, both in JSON.

        Raises:
            LocalStackError: all processes are busy, or this one died or took too long.
        """
        if not self._slots.acquire(timeout=self._timeout_seconds):
            raise LocalStackError("All processes of the function are busy.")
        try:
            return self._call(event)
        finally:
            self._slots.release()

    def stop(self) -> None:
        """End all processes; calls in progress fail."""
        with self._lock:
            idle, self._idle = self._idle, []
            busy = self._all.difference(idle)
            self._all.clear()
        for process in busy:
            process.kill()
        for process in idle:
            _end(process)

    def _call(self, event: bytes) -> bytes:
        process = self._take()
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        timer = threading.Timer(self._timeout_seconds, process.kill)
        timer.start()
        try:
            process.stdin.write(event.replace(b"\n", b" ") + b"\n")
            process.stdin.flush()
            result = process.stdout.readline()
        except OSError:
            result = b""
        finally:
            timer.cancel()
        if result.endswith(b"\n"):
            self._give_back(process)
            return result
        self._forget(process)
        raise LocalStackError(f"The function ended or took too long (see {self._log_path}).")

    def _take(self) -> subprocess.Popen[bytes]:
        while True:
            with self._lock:
                process = self._idle.pop() if self._idle else None
            if process is None:
                return self._start()
            if process.poll() is None:
                return process
            self._forget(process)

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log_path.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own module
                self._command,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,
            )
        with self._lock:
            self._all.add(process)
        return process

    def _give_back(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            is_needed = process in self._all
            if is_needed:
                self._idle.append(process)
        if not is_needed:  # stopped meanwhile
            _end(process)

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._all.discard(process)
        _end(process)


def isolated_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """What a function may know of the stack's environment: its own settings, and no credentials."""
    own = {
        name: value
        for name, value in {**os.environ, **variables}.items()
        if name in _PASSED or name.startswith("REVIEWLENS_IMAGE_FETCH_")
    }
    level = variables.get("REVIEWLENS_LOG_LEVEL", "INFO")
    return {**own, "REVIEWLENS_ENVIRONMENT": "local", "REVIEWLENS_LOG_LEVEL": level}


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()
