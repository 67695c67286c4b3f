"""Tells insights which model is at work. For the write side: it loads pyarrow."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

from shared.db.connection import Database
from shared.db.insights.drift import BINS, Distribution, Reference, has_reference, note_model
from shared.db.insights.rollups import BIN_EDGES
from shared.storage.objects import ObjectStore
from shared.storage.predictions import evaluation_predictions


def note_at_work(database: Database, store: ObjectStore, version: str) -> None:
    """Note that a model is at work, and once what it said when it was evaluated.

    So insights, which may read no bucket, knows what to measure drift from.

    Args:
        database: where it is noted.
        store: the artefact bucket, which the caller reads models from.
        version: the model.

    Raises:
        UnavailableError: the database or S3 does not answer.
    """
    with database.transaction() as connection:
        known = has_reference(connection, version)
    found = None if known else evaluation_predictions(store, version)
    reference = Reference(found[0], _distribution(found[1])) if found else None
    with database.transaction() as connection:
        note_model(connection, version, reference)


def _distribution(rows: Sequence[tuple[float, float, float]]) -> Distribution:
    best = [max(range(len(row)), key=row.__getitem__) for row in rows]
    confidences = [row[place] for row, place in zip(rows, best, strict=True)]
    labels, bins = Counter(best), Counter(bisect_right(BIN_EDGES, each) for each in confidences)
    return Distribution(
        tuple(labels[place] for place in range(3)),
        tuple(bins[place] for place in range(BINS)),
        sum(confidences) / len(rows),
    )
