"""The message of a SageMaker processing job: ExitMessage in DescribeProcessingJob."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FOLDER = Path("/opt/ml/output")
_MAX_BYTES = 1024
"""SageMaker cuts a longer message."""
_ELLIPSIS = "…"


@contextmanager
def failure_message() -> Iterator[None]:
    """If the body raises, write the reason as the job's message."""
    try:
        yield
    except BaseException as error:
        write_message({"reason": f"{type(error).__name__}: {error}"})
        raise


def write_message(fields: Mapping[str, Any]) -> str:
    """Write the message where SageMaker reads it; outside SageMaker there is no such folder.

    Args:
        fields: JSON values. Lists of texts are shortened from the end until the message fits.

    Returns:
        The message.
    """
    message = _fit(dict(fields))
    if FOLDER.is_dir():
        (FOLDER / "message").write_text(message, encoding="utf-8")
    return message


def _fit(fields: dict[str, Any]) -> str:
    """Serialise the fields, with the longest ones shortened to _MAX_BYTES in all."""
    while len((message := json.dumps(fields)).encode()) > _MAX_BYTES:
        name = max(fields, key=lambda key: len(json.dumps(fields[key])))
        value = fields[name]
        if isinstance(value, list) and len(value) > 1:
            dropped = 2 if value[-1] == _ELLIPSIS else 1
            fields[name] = [*value[:-dropped], _ELLIPSIS]
        elif isinstance(value, list):
            fields[name] = str(*value)
        else:
            fields[name] = str(value)[: len(str(value)) * 3 // 4]
    return message
