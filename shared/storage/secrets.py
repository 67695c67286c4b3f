"""Secrets, read from Secrets Manager or a file on demand and never logged."""

import json
from pathlib import Path
from typing import Any

from shared.errors import UnavailableError
from shared.storage.aws_errors import translate_aws_errors

FILE_PREFIX = "file:"
"""What an id starts with that is the path of a file, such as one that a container mounts."""


def read_secret(secretsmanager: Any, secret_id: str) -> dict[str, Any]:
    """Read a JSON secret.

    Args:
        secretsmanager: a boto3 client; not used for files.
        secret_id: name or ARN of the secret, or ``file:`` and a path.

    Raises:
        UnavailableError: the secret does not exist, or the service does not answer.
    """
    if secret_id.startswith(FILE_PREFIX):
        return _read_file(Path(secret_id.removeprefix(FILE_PREFIX)))
    with translate_aws_errors(f"secret {secret_id} cannot be read"):
        response = secretsmanager.get_secret_value(SecretId=secret_id)
    value: dict[str, Any] = json.loads(response["SecretString"])
    return value


def _read_file(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UnavailableError(f"secret {path} cannot be read: {error.strerror}") from error
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise UnavailableError(f"secret {path} is not a JSON object") from None
    return value
