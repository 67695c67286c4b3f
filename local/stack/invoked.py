"""Child process that runs one function: an event in a line of JSON, then its result.

The stack runs it as ``python -m local.stack.invoked MODULE``. It ends when its input does:
the kernel closes that when the stack dies.
"""

import importlib
import json
import os
import resource
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

from shared.errors import ReviewlensError

_MAX_MEMORY_BYTES = 2 * 2**30
"""Address space, most of which libraries only reserve."""


def main(arguments: Sequence[str]) -> int:
    """Answer events until the input ends; returns the exit status."""
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    results = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    with redirect_stdout(sys.stderr):  # what a library prints is no result
        handler = importlib.import_module(arguments[0]).handler
        for line in sys.stdin.buffer:
            try:
                result = handler(json.loads(line), None)
            except ReviewlensError as error:
                result = {"errorMessage": error.message, "errorType": type(error).__name__}
            results.write(json.dumps(result).encode() + b"\n")
            results.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
