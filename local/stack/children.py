"""Child processes of the stack: started, watched, started again, stopped in order."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

log = logging.getLogger(__name__)
_STOP_SECONDS = 20.0
_MAX_PAUSE = 30.0
_STEADY_SECONDS = 60.0


class Child:
    """One Python module in a process of its own, tied to ours by its standard input."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        log_path: Path,
        descriptors: Sequence[int] = (),
        on_crash: Callable[[], None] | None = None,
    ) -> None:
        """Prepare the child without starting it.

        Args:
            name: what the log calls it.
            arguments: module and arguments after ``python -m``.
            environment: the whole environment of the child.
            log_path: file that takes its output.
            descriptors: open files (a listening socket) that it inherits.
            on_crash: called before it is started again.
        """
        self.name = name
        self._command = [sys.executable, "-m", *arguments]
        self._environment = dict(environment)
        self._log_path = log_path
        self._descriptors = tuple(descriptors)
        self._on_crash = on_crash
        self._process: subprocess.Popen[bytes] | None = None
        self._crashes = 0
        self._started_at = 0.0
        self._retry_at = 0.0

    @property
    def pid(self) -> int | None:
        """Process id, None before the start."""
        return None if self._process is None else self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process runs now."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process; output goes to the log file."""
        self._started_at = time.monotonic()
        with self._log_path.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                self._command,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=self._descriptors,
                start_new_session=True,  # Ctrl-C at the terminal is ours to pass on
            )

    def check(self) -> bool:
        """Start the child again if it has died; later and later if it keeps dying young.

        Returns:
            Whether it was started again just now.
        """
        if self._process is None or self.is_alive:
            return False
        now = time.monotonic()
        if not self._retry_at:
            steady = now - self._started_at > _STEADY_SECONDS
            self._crashes = 1 if steady else self._crashes + 1
            pause = min(0.5 * 2 ** (self._crashes - 1), _MAX_PAUSE)
            self._retry_at = now + pause
            log.error(
                "%s ended with status %s, starts again in %.1f s (see %s)",
                *(self.name, self._process.returncode, pause, self._log_path),
            )
        if now < self._retry_at:
            return False
        self._retry_at = 0.0
        if self._on_crash:
            self._on_crash()
        self.start()
        return True

    def stop(self, *, patience: float = _STOP_SECONDS) -> None:
        """Ask the child to finish what it has in hand; kill it when it takes too long."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                log.warning("%s does not finish and is killed", self.name)
                process.kill()
                process.wait()
        if process.stdin:
            process.stdin.close()


def log_tail(path: Path, lines: int = 15) -> str:
    """Last lines of a log, for messages on what went wrong."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 8192))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
