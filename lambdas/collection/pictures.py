"""Queues the pictures of stored reviews, and records what became of them."""

import logging

from lambdas.collection.dependencies import Dependencies
from shared.db.ingest import pictures
from shared.db.ingest.picture_opinions import store_opinions
from shared.db.ingest.undo import undo_state
from shared.errors import ArtefactError
from shared.schemas.messages import BuildIndex, FetchPictures, PicturesFetched
from shared.schemas.pictures import PictureResults
from shared.storage import artefacts, layout
from shared.storage.review_pictures import forget_batch, forget_ingest, forget_reviews, read_results

log = logging.getLogger(__name__)
_LOST_SECONDS = 6 * 3600.0
"""Wait from which the message of a batch counts as lost; the rate of a host makes others wait."""

_OUTDATED_SECONDS = 900.0
"""Wait from which a batch of another model is queued again."""


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
    outdated = _outdated(dependencies)
    queue.send(outdated)
    ingest_ids = pictures.unplanned(dependencies.database)
    return (
        len(lost) + len(outdated) + sum(queue_pictures(dependencies, each) for each in ingest_ids)
    )


def _outdated(dependencies: Dependencies) -> list[FetchPictures]:
    """Batches without vectors of the current model, which are made from the stored files."""
    try:
        model = artefacts.current(dependencies.artefacts, "model")
    except ArtefactError as error:
        log.warning("no pictures are embedded again: %s", error.message)
        return []
    if model is None:
        return []
    return pictures.outdated(dependencies.database, model.version, _OUTDATED_SECONDS)


def record_pictures(dependencies: Dependencies, message: PicturesFetched) -> None:
    """Count a batch of pictures, and remove those whose reviews were removed in the meantime.

    Raises:
        ArtefactError: its results cannot be read.
    """
    database, store = dependencies.database, dependencies.artefacts
    results = read_results(store, layout.picture_results(message.ingest_id, message.first))
    if results is None:  # removed since
        if undo_state(database, message.ingest_id) is not None:
            forget_ingest(store, message.ingest_id)
        return
    place = (message.ingest_id, message.first)
    with database.transaction() as connection:
        shown = (each.review_id for each in results.pictures)
        lost = pictures.lost_reviews(connection, message.ingest_id, shown)
        if lost:
            forget_reviews(store, message.ingest_id, lost)
            left = [each for each in results.pictures if each.review_id not in lost]
            results = PictureResults(pictures=left)
        model_version = None if lost else message.model_version
        is_known = pictures.record(connection, *place, results, model_version)
        store_opinions(connection, *place, message.opinions)
    if not is_known:
        log.info("a batch of pictures was removed", extra={"ingest_id": message.ingest_id})
        if undo_state(database, message.ingest_id) is not None:
            forget_ingest(store, message.ingest_id)
        else:
            forget_batch(store, message.ingest_id, message.first)
        return
    if pictures.is_complete(database, message.ingest_id, message.model_version):
        reason = f"pictures of {message.ingest_id} are stored"
        dependencies.index_queue.send([BuildIndex(reason=reason)])
