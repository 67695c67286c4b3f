"""Translates the errors of boto3 and botocore into those of shared.errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import UnavailableError

AWS_ERRORS = (Boto3Error, BotoCoreError, ClientError)
"""Everything that a boto3 call raises: for callers that treat all failures alike."""


@contextmanager
def translate_aws_errors(
    unavailable: str, refusal: Callable[[str, str], Exception] | None = None
) -> Iterator[None]:
    """Raise our errors instead of those of boto3 and botocore.

    Args:
        unavailable: message of the UnavailableError for a service that does not answer.
        refusal: returns the error for a refused request, given AWS's code and message; by default
            a refusal is also an UnavailableError with that message.
    """
    try:
        yield
    except AWS_ERRORS as error:
        refused = refused_request(error)
        if refused is None or refusal is None:
            raise UnavailableError(unavailable) from error
        response = refused.response.get("Error", {})
        raise refusal(response.get("Code", ""), response.get("Message", "")) from error


def refused_request(error: BaseException) -> ClientError | None:
    """The answer of AWS that caused an error: boto3 wraps it when a file is sent in parts."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ClientError):
        cause = cause.__cause__ or cause.__context__
    return cause
