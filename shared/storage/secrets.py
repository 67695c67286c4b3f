"""Secrets, read from Secrets Manager when they are needed and kept out of logs."""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import UnavailableError


def read_secret(secretsmanager: Any, secret_id: str) -> dict[str, Any]:
    """Read a JSON secret.

    Raises:
        UnavailableError: the secret does not exist or the service does not answer.
    """
    try:
        answer = secretsmanager.get_secret_value(SecretId=secret_id)
    except (ClientError, BotoCoreError) as error:
        raise UnavailableError(f"secret {secret_id} cannot be read") from error
    value: dict[str, Any] = json.loads(answer["SecretString"])
    return value
