"""Delays the next attempt at messages that a function could not process.

A queue hides a message for six times the longest attempt. After a failure nothing has to be waited
for, so the function makes its messages visible again itself: after seconds at first, then after
twice as long each time.
"""

import logging
import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from shared.http.batches import SqsRecord

log = logging.getLogger(__name__)
FIRST_DELAY_SECONDS = 5.0
"""Longest delay after the first attempt."""
MAX_DELAY_SECONDS = 900.0
"""Longest delay after any attempt."""
_MAX_DOUBLINGS = 10
_ENTRIES_PER_CALL = 10


def retry_delay(attempts: int, jitter: float) -> int:
    """Seconds until the next attempt.

    Args:
        attempts: number of attempts so far.
        jitter: 0 to 1; from half of the longest delay to all of it.
    """
    doublings = min(max(attempts, 1) - 1, _MAX_DOUBLINGS)
    longest = min(FIRST_DELAY_SECONDS * float(2**doublings), MAX_DELAY_SECONDS)
    return max(1, round(longest * (1 + jitter) / 2))


def delay_retries(
    records: Sequence[SqsRecord], *, jitter: Callable[[], float] = random.random
) -> None:
    """Make the failed messages of a batch visible again after a delay.

    They share the jitter, so that one batch can take them all again. If SQS does not answer, the
    visibility timeout of the queue applies.

    Args:
        records: failed messages of one queue.
        jitter: returns a number from 0 to 1.
    """
    share = jitter()
    entries = [
        {
            "Id": str(number),
            "ReceiptHandle": record.receipt_handle,
            "VisibilityTimeout": retry_delay(record.attempts, share),
        }
        for number, record in enumerate(records)
        if record.receipt_handle and record.queue_arn
    ]
    try:
        for start in range(0, len(entries), _ENTRIES_PER_CALL):
            _change(records[0].queue_arn, entries[start : start + _ENTRIES_PER_CALL])
    except Exception:
        # the failures must be reported all the same
        log.exception("failed messages stay hidden for the whole timeout of their queue")


def _change(queue_arn: str, entries: list[dict[str, Any]]) -> None:
    from shared.storage.clients import client

    response = client("sqs").change_message_visibility_batch(
        QueueUrl=_queue_url(queue_arn), Entries=entries
    )
    for failure in response.get("Failed", []):
        log.warning("a failed message stays hidden: %s", failure.get("Message", failure["Code"]))


@cache
def _queue_url(queue_arn: str) -> str:
    from shared.storage.clients import client

    name = queue_arn.rpartition(":")[2]
    url: str = client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
    return url
