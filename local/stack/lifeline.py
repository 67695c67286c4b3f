"""Ends a child process when its parent dies, even by ``kill -9``.

The parent holds the write end of the child's standard input and writes nothing. The kernel closes
it when the parent dies for any reason, and the child then exits immediately.
"""

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

POSTMASTER_VARIABLE = "REVIEWLENS_LOCAL_POSTMASTER_FILE"
"""Environment variable with the path of the database server's pid file. The server has no lifeline,
so a child stops it too. The file is read late, because a restarted server has a new id."""


def tie_to_parent() -> None:
    """Exit this process when its parent is gone. Call it first in a child."""
    threading.Thread(target=_watch, name="lifeline", daemon=True).start()


def _watch() -> None:
    descriptor = sys.stdin.fileno()
    while os.read(descriptor, 64):
        pass
    postmaster = os.environ.get(POSTMASTER_VARIABLE)
    if postmaster:
        with suppress(OSError, ValueError, IndexError):
            os.kill(int(Path(postmaster).read_text().split()[0]), signal.SIGINT)
    os._exit(3)  # no cleanup: unfinished work is repeated after the next start
