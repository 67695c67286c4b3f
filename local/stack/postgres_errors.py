"""Why PostgreSQL does not start or accepts no connection, from its messages."""

import re
from pathlib import Path

import psycopg

_NOT_READY = ("starting up", "not yet accepting connections", "shutting down", "recovery")
_FATAL = re.compile(r"\b(?:FATAL|PANIC): +(.*)")
_MESSAGE = re.compile(r"\b(?:FATAL|PANIC|ERROR|WARNING|LOG): +(.*)")
_NO_REASON = (
    *("database system", "the database system"),  # such as "database system is shut down"
    *("redo starts at", "redo done at"),
    *("startup process (", "terminating any other active", "shutting down due to"),
)
_MAX_MESSAGES = 3
_MAX_LOG_BYTES = 65_536


def refusal_of(error: psycopg.OperationalError) -> str:
    """Why a running server refuses connections; empty if it may still be starting."""
    match = _FATAL.search(str(error))
    if match is None or any(text in match.group(1) for text in _NOT_READY):
        return ""
    return match.group(1).strip()


def last_failure(log_path: Path, start: int) -> str:
    """The last messages in a log after the position ``start``, in one line."""
    with log_path.open("rb") as file:
        file.seek(max(start, log_path.stat().st_size - _MAX_LOG_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    messages = [match.group(1).strip() for line in lines if (match := _MESSAGE.search(line))]
    reasons = [message for message in messages if not message.startswith(_NO_REASON)]
    # a failure before the log is set up has no level and several lines
    reasons = reasons or [" ".join(line.strip() for line in lines[-_MAX_MESSAGES:])]
    return "; ".join(reasons[-_MAX_MESSAGES:]).removeprefix("postgres: ")


def is_full_disk(reason: str) -> bool:
    """Whether a message of PostgreSQL says that its disk is full."""
    return any(text in reason for text in ("No space left on device", "Disk quota exceeded"))
