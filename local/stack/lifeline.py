"""Children that cannot outlive their parent, even one that is killed with -9.

The parent holds the writing end of the child's standard input and writes nothing. The kernel
closes it when the parent dies in whatever way, and the child ends at once.
"""

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

POSTMASTER_VARIABLE = "REVIEWLENS_LOCAL_POSTMASTER_FILE"
"""Path of the file in which the database server keeps its process id: the server has no lifeline of
its own and is asked to stop as well. The file, for a server that crashed starts under a new id."""


def tie_to_parent() -> None:
    """Call first in a child: end this process when the parent is gone."""
    threading.Thread(target=_watch, name="lifeline", daemon=True).start()


def _watch() -> None:
    descriptor = sys.stdin.fileno()
    while os.read(descriptor, 64):
        pass
    postmaster = os.environ.get(POSTMASTER_VARIABLE)
    if postmaster:
        with suppress(OSError, ValueError, IndexError):
            os.kill(int(Path(postmaster).read_text().split()[0]), signal.SIGINT)
    os._exit(3)  # no cleanup: whatever we were doing is done again by whoever comes next
