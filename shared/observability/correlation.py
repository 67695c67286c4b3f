"""The correlation id: one id for all that a request, or an uploaded object, causes.

It is the request id of API Gateway, or that of the request that stored an object in S3. Log lines,
messages of queues, SQL statements and answers have it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

from shared.observability.tracing import recorder

ATTRIBUTE = "correlation_id"
"""Attribute of messages, and field of log lines."""
_VALID = re.compile(r"[A-Za-z0-9_=-]{8,64}")
"""Ids come from outside: nothing else may get into a log line, a header or a statement."""
_current: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def correlation_id() -> str | None:
    """The id of the current request or message; None outside of both."""
    return _current.get()


@contextmanager
def correlate(*candidates: object) -> Iterator[str]:
    """Give the work of a block an id: the first valid candidate, or a new one."""
    valid = (each for each in candidates if isinstance(each, str) and _VALID.fullmatch(each))
    chosen = next(valid, None) or str(uuid4())
    token = _current.set(chosen)
    recorder().correlate(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)
