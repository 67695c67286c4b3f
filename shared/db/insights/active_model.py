"""Records the active model for insights. For the write side: this module loads pyarrow."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

from shared.db.connection import Database
from shared.db.insights.drift import (
    CONFIDENCE_BINS,
    Distribution,
    Reference,
    has_reference,
    record_model,
)
from shared.db.insights.rollups import CONFIDENCE_BIN_EDGES
from shared.schemas.sentiment import LABELS
from shared.storage.objects import ObjectStore
from shared.storage.predictions import evaluation_predictions


def record_active_model(database: Database, store: ObjectStore, version: str) -> None:
    """Record that a model is active, and once the predictions of its evaluation.

    Insights cannot read the bucket, and measures drift from these predictions.

    Args:
        database: the database to write to.
        store: the artefact bucket.
        version: the model.

    Raises:
        UnavailableError: the database or S3 does not answer.
    """
    with database.transaction() as connection:
        is_known = has_reference(connection, version)
    predictions = None if is_known else evaluation_predictions(store, version)
    reference = Reference(predictions[0], _distribution(predictions[1])) if predictions else None
    with database.transaction() as connection:
        record_model(connection, version, reference)


def _distribution(rows: Sequence[tuple[float, float, float]]) -> Distribution:
    best = [max(range(len(row)), key=row.__getitem__) for row in rows]
    confidences = [row[label] for row, label in zip(rows, best, strict=True)]
    labels = Counter(best)
    bins = Counter(bisect_right(CONFIDENCE_BIN_EDGES, confidence) for confidence in confidences)
    return Distribution(
        tuple(labels[label] for label in range(len(LABELS))),
        tuple(bins[number] for number in range(CONFIDENCE_BINS)),
        sum(confidences) / len(rows),
    )
