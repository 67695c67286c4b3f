"""When the current invocation of a function ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_END: ContextVar[float | None] = ContextVar("end", default=None)


@contextmanager
def invocation(context: Any) -> Iterator[None]:
    """Take the end of an invocation from its context (Lambda's or a local one)."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    token = _END.set(None if remaining is None else time.monotonic() + remaining() / 1000)
    try:
        yield
    finally:
        _END.reset(token)


def remaining_seconds() -> float:
    """Seconds until the invocation is stopped; infinite outside of one."""
    end = _END.get()
    return float("inf") if end is None else max(0.0, end - time.monotonic())
