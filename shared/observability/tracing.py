"""Spans of the work in progress, in a process that records them.

The services record spans if their settings ask for it (local/services/recorder.py); functions on
AWS have the traces of Lambda. Without a recorder, nothing here does anything.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

_NOTHING = nullcontext()


class Recorder(Protocol):
    """Records spans; none of its methods raises an error or waits for a network."""

    def statement(self, query: Any) -> AbstractContextManager[object]:
        """A span of one statement of psycopg, if other work waits for it."""

    def batch(
        self, queue: str, attributes: Sequence[Mapping[str, Any]]
    ) -> AbstractContextManager[object]:
        """A span of the work on messages; ``attributes`` are those of each message."""

    def headers(self) -> Mapping[str, str]:
        """Headers that pass the current span on to other processes (W3C ``traceparent``)."""

    def log_fields(self) -> Mapping[str, str]:
        """Fields of log lines which name the current span."""

    def correlate(self, correlation_id: str) -> None:
        """Note the id that the current work now has."""


class _NoRecorder:
    def statement(self, query: Any) -> AbstractContextManager[object]:  # noqa: ARG002
        return _NOTHING

    def batch(
        self,
        queue: str,  # noqa: ARG002
        attributes: Sequence[Mapping[str, Any]],  # noqa: ARG002
    ) -> AbstractContextManager[object]:
        return _NOTHING

    def headers(self) -> Mapping[str, str]:
        return {}

    def log_fields(self) -> Mapping[str, str]:
        return {}

    def correlate(self, correlation_id: str) -> None:
        pass


_recorder: Recorder = _NoRecorder()


def recorder() -> Recorder:
    """The recorder of this process."""
    return _recorder


def record_with(chosen: Recorder | None) -> None:
    """Record with this recorder from now on; None: with none."""
    global _recorder  # noqa: PLW0603 - one for the process, like the handlers of logging
    _recorder = chosen or _NoRecorder()
