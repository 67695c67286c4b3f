"""Lets work in the background go on after a response; Lambda freezes a process otherwise.

Lambda freezes a process once its runtime and all its extensions have asked for their next event. A
thread of the process is registered as an extension, and asks only when the work has ended, or
shortly before the invocation would time out. The caller has the response by then.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException

log = logging.getLogger(__name__)
Settle = Callable[[float], object]
"""Waits until work in the background has ended, for at most some seconds."""
_ADDRESS = "AWS_LAMBDA_RUNTIME_API"
_PATH = "/2020-01-01/extension"
_MARGIN_SECONDS = 2.0
"""A process that has not asked for the next event by the timeout of an invocation is killed."""


class Linger:
    """An extension of Lambda that holds the process while work is in progress."""

    def __init__(self, address: str, settle: Settle) -> None:
        """Register; call it before the runtime asks for its first invocation.

        Raises:
            OSError, HTTPException: Lambda's endpoint does not answer.
            ValueError: it refuses the extension.
        """
        self._settle = settle
        self._responses = threading.Semaphore(0)
        self._connection = HTTPConnection(address)
        body = json.dumps({"events": ["INVOKE"]})
        self._connection.request(
            "POST", f"{_PATH}/register", body, {"Lambda-Extension-Name": "reviewlens"}
        )
        response = self._connection.getresponse()
        answer = response.read()
        self._id = response.headers.get("Lambda-Extension-Identifier", "")
        if response.status != 200 or not self._id:
            raise ValueError(f"Lambda refused the extension: {response.status} {answer!r}")

    def start(self) -> None:
        """Follow the invocations in a thread."""
        threading.Thread(target=self._run, name="linger", daemon=True).start()

    def respond(self) -> None:
        """The handler of an invocation has ended."""
        self._responses.release()

    def _run(self) -> None:
        is_owed = False
        while True:
            try:
                deadline = self._next_deadline()
            except (OSError, HTTPException, ValueError, KeyError, TypeError):
                # the runtime cannot go on either; otherwise Lambda kills the process at a timeout
                log.warning("Lambda's extension endpoint does not answer", exc_info=True)
                return
            if is_owed:  # the end of a handler that was not waited for any more
                self._responses.acquire()
            is_owed = not self._responses.acquire(timeout=_seconds_until(deadline))
            if not is_owed:
                self._work(deadline)

    def _next_deadline(self) -> float:
        """Ask for the next invocation, and return when it times out (Unix time)."""
        headers = {"Lambda-Extension-Identifier": self._id}
        self._connection.request("GET", f"{_PATH}/event/next", headers=headers)
        event = json.loads(self._connection.getresponse().read())
        return float(event["deadlineMs"]) / 1000 - _MARGIN_SECONDS

    def _work(self, deadline: float) -> None:
        try:
            self._settle(_seconds_until(deadline))
        except Exception:
            log.warning("work in the background could not be waited for", exc_info=True)


def _seconds_until(deadline: float) -> float:
    return max(0.0, deadline - time.time())


def start_lingering(settle: Settle) -> Callable[[], None]:
    """Hold the process after each invocation until work has ended, if it runs on Lambda.

    Returns:
        What to call at the end of each invocation.
    """
    address = os.environ.get(_ADDRESS)
    if not address:
        return _do_nothing
    try:
        linger = Linger(address, settle)
    except (OSError, HTTPException, ValueError):
        log.warning("work in the background stops with each response", exc_info=True)
        return _do_nothing
    linger.start()
    return linger.respond


def _do_nothing() -> None:
    pass
