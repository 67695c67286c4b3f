"""Child process that runs one function: an event in a line of JSON, then its result.

The stack runs it as ``python -m local.stack.invoked MODULE``. It ends when its input does:
the kernel closes that when the stack dies.
"""

import importlib
import json
import os
import resource
import sys
import threading
from collections.abc import Sequence
from contextlib import redirect_stdout
from queue import SimpleQueue

from shared.errors import ReviewlensError

_MAX_MEMORY_BYTES = 2 * 2**30
"""Address space, most of which libraries only reserve."""


def main(arguments: Sequence[str]) -> None:
    """Answer events until the input ends, which ends the process at once."""
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    results = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    events: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(events,), name="events", daemon=True).start()
    with redirect_stdout(sys.stderr):  # what a library prints is no result
        handler = importlib.import_module(arguments[0]).handler
        while True:
            try:
                result = handler(json.loads(events.get()), None)
            except ReviewlensError as error:
                result = {"errorMessage": error.message, "errorType": type(error).__name__}
            results.write(json.dumps(result).encode() + b"\n")
            results.flush()


def _receive(events: SimpleQueue[bytes]) -> None:
    """Read events; in a thread, so that the end of the input also ends a busy process."""
    for line in sys.stdin.buffer:
        events.put(line)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
