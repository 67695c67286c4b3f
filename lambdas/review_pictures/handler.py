"""Lambda entry of review_pictures: batches of pictures from a queue."""

from typing import Any

from lambdas.review_pictures.dependencies import build_worker
from shared.http.backoff import delay_retries
from shared.http.batches import SqsRecord, run_batch, run_each, sqs_records
from shared.schemas.messages import FetchPictures

_PATIENT_ATTEMPTS = 6
"""Attempts, over two minutes, after which one picture does not keep its batch waiting."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's form
    """Fetch the pictures of the messages of a queue.

    Args:
        event: an event of SQS.
        context: not used.

    Returns:
        The messages that failed and are delivered again.
    """

    def fetch(record: SqsRecord) -> None:
        message = FetchPictures.model_validate_json(record.body)
        build_worker().fetch(message, patient=record.attempts < _PATIENT_ATTEMPTS)

    return run_batch(
        sqs_records(event) or [], lambda records: run_each(records, fetch), delay_retries
    )
