"""Records the active model for insights. For the write side: this module loads pyarrow."""

from bisect import bisect_right
from collections import Counter

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
from shared.storage.predictions import Predictions, evaluation_predictions


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
    reference = Reference(predictions.origin, _distribution(predictions)) if predictions else None
    with database.transaction() as connection:
        record_model(connection, version, reference)


def _distribution(predictions: Predictions) -> Distribution:
    labels, confidences = Counter(predictions.labels), predictions.confidences
    bins = Counter(bisect_right(CONFIDENCE_BIN_EDGES, confidence) for confidence in confidences)
    return Distribution(
        tuple(labels[label] for label in range(len(LABELS))),
        tuple(bins[number] for number in range(CONFIDENCE_BINS)),
        sum(confidences) / len(confidences),
    )
