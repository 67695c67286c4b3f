"""What both clients share: settings, requests, answers, errors. Only the transport differs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from reviewlens.calls import AnswerT, Call
from reviewlens.errors import (
    ApiError,
    ApiTimeoutError,
    ConnectionFailedError,
    InvalidAnswerError,
    status_error,
)
from reviewlens.retries import Retry, retry_after
from reviewlens.signing import signer_for

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_RESPONSE_BYTES = 8 * 2**20
TIMEOUT_SECONDS = 30.0
CONNECT_SECONDS = 5.0
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class Core:
    """One API and how to call it."""

    url: str
    api_key: str | None
    region: str | None
    signer: httpx.Auth | None
    timeout: float
    retry: Retry
    max_response_bytes: int

    @property
    def is_local(self) -> bool:
        """Whether the API runs on this machine: no proxy is used, and its bucket is here, too."""
        return urlsplit(self.url).hostname in LOOPBACK

    def options(self) -> dict[str, Any]:
        """Arguments for an httpx client of the API."""
        return {
            "base_url": self.url.rstrip("/"),
            "headers": {"x-api-key": self.api_key} if self.api_key else {},
            "timeout": httpx.Timeout(self.timeout, connect=CONNECT_SECONDS),
            "trust_env": not self.is_local,
            "follow_redirects": False,
        }

    def request(self, call: Call[Any]) -> dict[str, Any]:
        """Arguments for ``stream`` of an httpx client."""
        return {
            "method": call.method,
            "url": call.path,
            "params": call.parameters,
            "json": None if call.body is None else dict(call.body),
            "headers": dict(call.headers),
        }

    @cached_property
    def auth(self) -> httpx.Auth | None:
        """The signer that was passed, else one for the credentials of this environment.

        Raises:
            SigningError: the API is on AWS and botocore is not installed.
        """
        return self.signer or signer_for(self.url, self.region)

    def delay(self, call: Call[Any], error: ApiError, attempt: int) -> float | None:
        """Seconds before the next attempt of a call; None: there is none."""
        return self.retry.delay(error, attempt=attempt, repeatable=call.repeatable)

    def answer(
        self, call: Call[AnswerT], status: int, headers: Mapping[str, str], body: bytes
    ) -> AnswerT:
        """Parse an answer.

        Raises:
            StatusError: it is an error.
            InvalidAnswerError: it is not what the API documents.
        """
        if not httpx.codes.is_success(status) and status not in call.answers:
            raise status_error(call.name, status, body, retry_after(headers))
        try:
            return call.answer.model_validate_json(body)
        except ValidationError as error:
            place = ".".join(str(part) for part in error.errors()[0]["loc"])
            message = f"{call.name}: the answer is not valid ({place or 'not JSON'})"
            raise InvalidAnswerError(message) from error


class Body:
    """Collects an answer of limited length."""

    def __init__(self, call: Call[Any], limit: int) -> None:
        self._name, self._limit = call.name, limit
        self._pieces = bytearray()

    def add(self, piece: bytes) -> None:
        """Append a piece.

        Raises:
            InvalidAnswerError: the answer is too long.
        """
        self._pieces += piece
        if len(self._pieces) > self._limit:
            message = f"{self._name}: the answer is longer than {self._limit:,} bytes"
            raise InvalidAnswerError(message)

    def __bytes__(self) -> bytes:
        return bytes(self._pieces)


@contextmanager
def typed_errors(name: str) -> Iterator[None]:
    """Turn errors of httpx into those of the client.

    Args:
        name: of the call or the transfer, for messages.
    """
    try:
        yield
    except httpx.TimeoutException as error:
        message = f"{name}: no answer in time ({type(error).__name__})"
        raise ApiTimeoutError(message, was_sent=not isinstance(error, _NOT_SENT)) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        message = f"{name}: the connection failed ({error or type(error).__name__})"
        was_sent = not isinstance(error, _NOT_SENT)
        raise ConnectionFailedError(message, was_sent=was_sent) from error
