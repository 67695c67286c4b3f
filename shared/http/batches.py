"""Batches of SQS messages: which of them failed, and when those are delivered again."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.errors import WaitingError
from shared.observability.correlation import ATTRIBUTE, correlate
from shared.schemas.messages import MAX_RECEIVES

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SqsRecord:
    """One message of a batch; ``messageId`` and ``body`` are named as in AWS events."""

    messageId: str  # noqa: N815 - the name AWS uses
    body: str
    receipt_handle: str = ""
    queue_arn: str = ""
    attempts: int = 1
    """How often it was delivered, including this time."""
    correlation_id: str | None = None
    """That of the work which sent it."""

    @property
    def is_last(self) -> bool:
        """Whether it becomes a dead letter if it fails once more."""
        return self.attempts >= MAX_RECEIVES


Batch = Callable[[Sequence[SqsRecord]], list[str]]
"""Processes records and returns the ids of the failed messages."""


def sqs_records(event: Mapping[str, Any]) -> list[SqsRecord] | None:
    """The messages of an SQS event; None for any other event."""
    records = event.get("Records")
    if not isinstance(records, list) or not records:
        return None
    if any(entry.get("eventSource") != "aws:sqs" for entry in records):
        return None
    return [
        SqsRecord(
            entry["messageId"],
            entry["body"],
            entry.get("receiptHandle", ""),
            entry.get("eventSourceARN", ""),
            int(entry.get("attributes", {}).get("ApproximateReceiveCount", 1)),
            entry.get("messageAttributes", {}).get(ATTRIBUTE, {}).get("stringValue"),
        )
        for entry in records
    ]


def run_each(records: Iterable[SqsRecord], work: Callable[[SqsRecord], object]) -> list[str]:
    """Call ``work`` for each record; return the ids of those to be delivered again."""
    failed = []
    for record in records:
        with correlate(record.correlation_id, record.messageId):
            try:
                work(record)
            except WaitingError as error:
                log.info("message %s waits: %s", record.messageId, error.message)
                failed.append(record.messageId)
            except Exception:
                log.exception("message %s failed", record.messageId)
                failed.append(record.messageId)
    return failed


def run_batch(
    records: Sequence[SqsRecord], batch: Batch, delay: Callable[[Sequence[SqsRecord]], object]
) -> dict[str, list[dict[str, str]]]:
    """Process a batch, delay the failed messages, and report them to Lambda.

    Args:
        records: the batch.
        batch: processes it.
        delay: decides when failed messages are delivered again; called for all messages if the
            batch raises.
    """
    try:
        failed = batch(records)
    except Exception:
        delay(records)
        raise
    if failed:
        delay([record for record in records if record.messageId in failed])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
