"""What a SageMaker processing job says when it ends: DescribeProcessingJob's ExitMessage."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path("/opt/ml/output")
_MOST_BYTES = 1024
"""SageMaker shows no more of it."""
_CUT = "…"


def leave(said: Mapping[str, Any]) -> str:
    """Write the message where SageMaker looks for it; elsewhere there is no such folder.

    Args:
        said: JSON values. Lists of texts are shortened from their end until all of it fits.

    Returns:
        The message.
    """
    message = _fitting(dict(said))
    if FOLDER.is_dir():
        (FOLDER / "message").write_text(message, encoding="utf-8")
    return message


def _fitting(said: dict[str, Any]) -> str:
    while len((message := json.dumps(said)).encode()) > _MOST_BYTES:
        name = max(said, key=lambda key: len(json.dumps(said[key])))
        value = said[name]
        if isinstance(value, list) and len(value) > 1:
            said[name] = [*value[:-2], _CUT] if value[-1] == _CUT else [*value[:-1], _CUT]
        elif isinstance(value, list):
            said[name] = str(*value)
        else:
            said[name] = str(value)[: len(str(value)) * 3 // 4]
    return message
