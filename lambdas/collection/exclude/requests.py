"""Requests to exclude a reviewer or product, or to end that, and those that are not finished."""

from datetime import UTC, datetime, timedelta

from lambdas.collection.dependencies import Dependencies
from lambdas.collection.reading.excluded import product_of, reviewer_key_of
from shared.db.ingest import exclusions
from shared.errors import ConflictError, InvalidInputError, NotFoundError
from shared.schemas.exclusions import Exclusion, ExclusionKind, ExclusionStatus
from shared.schemas.messages import RemoveExcluded
from shared.storage import forgotten

_MARK_LIFETIME = timedelta(days=1)
_MISSING = "must be an id: a dump reads this value as a missing one"


def exclude_reviewer(dependencies: Dependencies, reviewer_id: str) -> Exclusion:
    """Have a worker remove the rows of a reviewer; repeating the request changes nothing.

    The id is hashed here, and neither stored nor logged.

    Raises:
        InvalidInputError: no dump can have this id.
    """
    key = reviewer_key_of(reviewer_id, dependencies.reviewer_key)
    return _exclude(dependencies, ExclusionKind.REVIEWER, "reviewer_id", key)


def exclude_product(dependencies: Dependencies, product_id: str) -> Exclusion:
    """Have a worker remove a product; repeating the request changes nothing.

    Raises:
        InvalidInputError: no dump can have this id.
    """
    key = product_of(product_id)
    return _exclude(dependencies, ExclusionKind.PRODUCT, "product_id", key)


def _exclude(
    dependencies: Dependencies, kind: ExclusionKind, field: str, subject: str | None
) -> Exclusion:
    if subject is None:
        raise InvalidInputError(_MISSING, details={"field": field})
    exclusion = exclusions.add_exclusion(dependencies.database, kind, subject)
    if exclusion.status is ExclusionStatus.REMOVING:
        message = RemoveExcluded(exclusion_id=exclusion.exclusion_id)
        dependencies.collection_queue.send([message])
    return exclusion


def require_exclusion(dependencies: Dependencies, exclusion_id: str) -> Exclusion:
    """One exclusion.

    Raises:
        NotFoundError: there is none with this id.
    """
    # PostgreSQL refuses NUL, and no id contains one
    exclusion = (
        None
        if "\0" in exclusion_id
        else exclusions.find_exclusion(dependencies.database, exclusion_id)
    )
    if exclusion is None:
        raise NotFoundError("exclusion not found")
    return exclusion


def end_exclusion(dependencies: Dependencies, exclusion_id: str) -> Exclusion:
    """Let dumps that are read from now on be stored with the rows of a reviewer or product.

    Raises:
        NotFoundError: there is no such exclusion.
        ConflictError: its rows are still being removed.
    """
    exclusion = require_exclusion(dependencies, exclusion_id)
    if not exclusions.end_exclusion(dependencies.database, exclusion_id):
        require_exclusion(dependencies, exclusion_id)
        raise ConflictError("the rows are still being removed; end the exclusion afterwards")
    forgotten.unmark_rows(dependencies.artefacts, exclusion_id)
    return exclusion.model_copy(update={"status": ExclusionStatus.ENDED})


def queue_unfinished_exclusions(dependencies: Dependencies, idle_seconds: float) -> int:
    """Queue the exclusions again whose removal stopped; returns their number."""
    ids = exclusions.unfinished_exclusions(dependencies.database, idle_seconds)
    messages = [RemoveExcluded(exclusion_id=each) for each in ids]
    dependencies.collection_queue.send(messages)
    return len(ids)


def delete_old_marks(dependencies: Dependencies) -> None:
    """Delete the marks of rows that were removed a day ago: no build that began before still runs.

    They would make every index go whose shards are written again for another reason.
    """
    for exclusion_id in forgotten.marked_exclusions(dependencies.artefacts):
        exclusion = exclusions.find_exclusion(dependencies.database, exclusion_id)
        removed_at = exclusion.receipt.removed_at if exclusion else None
        if exclusion is None or (removed_at and datetime.now(UTC) - removed_at > _MARK_LIFETIME):
            forgotten.unmark_rows(dependencies.artefacts, exclusion_id)
