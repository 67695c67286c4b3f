"""Child processes of the stack: start, supervision, restart after a crash, orderly stop."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

log = logging.getLogger(__name__)
_STOP_TIMEOUT_SECONDS = 20.0
_MAX_RESTART_DELAY_SECONDS = 30.0
_STABLE_AFTER_SECONDS = 60.0


class Child:
    """A Python module in a child process, which ends with this process (local.stack.lifeline)."""

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
            name: name of the child in the log.
            arguments: module and arguments after ``python -m``.
            environment: all environment variables of the child.
            log_path: file for its output.
            descriptors: open files that it inherits, such as a listening socket.
            on_crash: called before each restart.
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
        """Process id, None if not started."""
        return None if self._process is None else self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process is running."""
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
                start_new_session=True,  # Ctrl-C at the terminal must not reach the child directly
            )

    def restart_if_crashed(self) -> bool:
        """Restart the child if it has died, with growing delays if it dies repeatedly.

        Returns:
            Whether this call restarted it.
        """
        if self._process is None or self.is_alive:
            return False
        now = time.monotonic()
        if not self._retry_at:
            was_stable = now - self._started_at > _STABLE_AFTER_SECONDS
            self._crashes = 1 if was_stable else self._crashes + 1
            delay = min(0.5 * 2 ** (self._crashes - 1), _MAX_RESTART_DELAY_SECONDS)
            self._retry_at = now + delay
            log.error(
                "%s ended with status %s and restarts in %.1f s (see %s)",
                *(self.name, self._process.returncode, delay, self._log_path),
            )
        if now < self._retry_at:
            return False
        self._retry_at = 0.0
        if self._on_crash:
            self._on_crash()
        self.start()
        return True

    def stop(self, *, timeout: float = _STOP_TIMEOUT_SECONDS) -> None:
        """Ask the child to finish its current work and exit; kill it after the timeout."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                log.warning("%s did not stop in time and is killed", self.name)
                process.kill()
                process.wait()
        if process.stdin:
            process.stdin.close()


def log_tail(path: Path, lines: int = 15) -> str:
    """Last lines of a log file, for error messages."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 8192))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
