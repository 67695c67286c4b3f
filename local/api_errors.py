"""Errors of the API as errors of the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from local.errors import LocalStackError
from reviewlens import ApiError, ConnectionFailedError, StatusError


@contextmanager
def convert_api_errors(url: str) -> Iterator[None]:
    """Raise a LocalStackError for each ApiError: exit status 2 if the input is wrong, else 1.

    Args:
        url: base URL of the API, for messages.
    """
    try:
        yield
    except StatusError as error:
        is_wrong_input = error.status < HTTPStatus.INTERNAL_SERVER_ERROR
        message = error.detail or f"{error.message}."
        raise LocalStackError(message, exit_code=2 if is_wrong_input else 1) from error
    except ConnectionFailedError as error:
        raise LocalStackError(f"The API at {url} does not answer ({error.message}).") from error
    except ApiError as error:
        raise LocalStackError(error.message) from error
