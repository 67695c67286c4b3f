"""Closes an ingest whose object was read to its end."""

from lambdas.collection.dependencies import Dependencies
from lambdas.collection.orphans import delete_orphans
from lambdas.collection.pictures import queue_pictures


def close_ingest(dependencies: Dependencies, ingest_id: str, parts: int, records: int) -> bool:
    """Record that an ingest is collected, and queue its pictures.

    Args:
        dependencies: those of the function.
        ingest_id: the ingest.
        parts: number of its batches; what an earlier reading stored beyond them is deleted.
        records: number of its records.

    Returns:
        Whether an index is due.
    """
    dependencies.ledger.delete_batches(ingest_id, parts, records + 1)
    removed = delete_orphans(dependencies, ingest_id)
    share = dependencies.max_reject_share
    is_due = dependencies.ledger.finish(ingest_id, max_reject_share=share) or removed
    queue_pictures(dependencies, ingest_id)
    return is_due
