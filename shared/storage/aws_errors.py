"""Translates botocore's errors into those of shared.errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import UnavailableError

AWS_ERRORS = (BotoCoreError, ClientError)
"""Everything that a boto3 call raises: for callers that treat all failures alike."""


@contextmanager
def translate_aws_errors(
    unavailable: str, refusal: Callable[[str, str], Exception] | None = None
) -> Iterator[None]:
    """Raise our errors instead of botocore's.

    Args:
        unavailable: message of the UnavailableError for a service that does not answer.
        refusal: returns the error for a refused request, given AWS's code and message; by default
            a refusal is also an UnavailableError with that message.
    """
    try:
        yield
    except ClientError as error:
        if refusal is None:
            raise UnavailableError(unavailable) from error
        response = error.response.get("Error", {})
        raise refusal(response.get("Code", ""), response.get("Message", "")) from error
    except BotoCoreError as error:
        raise UnavailableError(unavailable) from error
