"""Queues the pictures of stored reviews, and records what became of them."""

import logging

from pydantic import ValidationError

from lambdas.collection.dependencies import Dependencies
from shared.db.ingest import pictures
from shared.db.ingest.undo import undo_state
from shared.schemas.messages import BuildIndex, PicturesFetched
from shared.storage import layout
from shared.storage.review_pictures import forget_batch, forget_ingest, forget_reviews, read_results

log = logging.getLogger(__name__)
_LOST_SECONDS = 6 * 3600.0
"""Wait from which the message of a batch counts as lost; the rate of a host makes others wait."""


def queue_pictures(dependencies: Dependencies, ingest_id: str) -> int:
    """Queue the pictures of an ingest that were not queued yet, if any are fetched at all."""
    queue = dependencies.picture_queue
    if queue is None:
        return 0
    messages = pictures.plan(dependencies.database, ingest_id, dependencies.max_ingest_pictures)
    queue.send(messages)
    return len(messages)


def sweep_pictures(dependencies: Dependencies, *, force: bool) -> int:
    """Queue the pictures of every ingest that were not queued yet, and batches that got lost."""
    queue = dependencies.picture_queue
    if queue is None:
        return 0
    lost = pictures.stale(dependencies.database, 0.0 if force else _LOST_SECONDS)
    queue.send(lost)
    ingest_ids = pictures.unplanned(dependencies.database)
    return len(lost) + sum(queue_pictures(dependencies, each) for each in ingest_ids)


def parse_fetched(body: str) -> PicturesFetched | None:
    """The report in a message of the collection queue; None for any other message."""
    try:
        return PicturesFetched.model_validate_json(body)
    except ValidationError:
        return None


def record_pictures(dependencies: Dependencies, message: PicturesFetched) -> None:
    """Count a batch of pictures; what was removed while it was fetched is removed here, too.

    Raises:
        ArtefactError: its results cannot be read.
    """
    database, artefacts = dependencies.database, dependencies.artefacts
    results = read_results(artefacts, layout.picture_results(message.ingest_id, message.first))
    if results is None:
        return  # removed since
    lost = pictures.lost_reviews(database, (each.review_id for each in results.pictures))
    if lost:
        forget_reviews(artefacts, message.ingest_id, lost)
    if not pictures.record(database, message.ingest_id, message.first, results):
        log.info("a batch of pictures was removed", extra={"ingest_id": message.ingest_id})
        if undo_state(database, message.ingest_id) is not None:
            forget_ingest(artefacts, message.ingest_id)
        else:
            forget_batch(artefacts, message.ingest_id, message.first)
        return
    if pictures.is_complete(database, message.ingest_id):
        reason = f"pictures of {message.ingest_id} are stored"
        dependencies.index_queue.send([BuildIndex(reason=reason)])
