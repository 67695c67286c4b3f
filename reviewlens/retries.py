"""Which errors a second attempt can mend, and how long to wait before it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from reviewlens.errors import ApiError, ConnectionFailedError, RateLimitedError, StatusError

_TEMPORARY = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a call is sent, and the pauses in between.

    The n-th pause is between half of and the whole of ``backoff_seconds`` doubled n - 1 times, but
    no longer than ``max_wait_seconds``. Where the API asks for a longer pause (Retry-After), the
    error is raised at once.
    """

    attempts: int = 3
    backoff_seconds: float = 0.3
    max_wait_seconds: float = 20.0

    def delay(self, error: ApiError, *, attempt: int, repeatable: bool) -> float | None:
        """Seconds to wait before the next attempt; None: there is none.

        Args:
            error: of the attempt that failed.
            attempt: its number, from 1.
            repeatable: whether sending the call twice has the effect of sending it once.
        """
        if attempt >= self.attempts or not _can_help(error, repeatable=repeatable):
            return None
        backoff = min(self.max_wait_seconds, self.backoff_seconds * 2.0 ** (attempt - 1))
        jittered = backoff * random.uniform(0.5, 1.0)  # noqa: S311 - no secret depends on it
        requested = error.retry_after if isinstance(error, StatusError) else None
        if requested is None:
            return jittered
        return None if requested > self.max_wait_seconds else max(requested, jittered)


def _can_help(error: ApiError, *, repeatable: bool) -> bool:
    if isinstance(error, ConnectionFailedError):
        return repeatable or not error.was_sent
    if isinstance(error, RateLimitedError):
        return True  # the API turned it away before any work began
    return repeatable and isinstance(error, StatusError) and error.status in _TEMPORARY


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds in a Retry-After header, a number or a date; None without a valid one."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
