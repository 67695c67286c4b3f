"""Secrets, read from Secrets Manager on demand and never logged."""

import json
from typing import Any

from shared.storage.aws_errors import translate_aws_errors


def read_secret(secretsmanager: Any, secret_id: str) -> dict[str, Any]:
    """Read a JSON secret.

    Raises:
        UnavailableError: the secret does not exist or the service does not answer.
    """
    with translate_aws_errors(f"secret {secret_id} cannot be read"):
        response = secretsmanager.get_secret_value(SecretId=secret_id)
    value: dict[str, Any] = json.loads(response["SecretString"])
    return value
