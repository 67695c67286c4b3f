"""A model's predictions in its evaluation. For the write side: this module loads pyarrow."""

import io
import logging
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared.errors import NotFoundError
from shared.schemas.sentiment import LABELS
from shared.storage import layout, registry
from shared.storage.objects import ObjectStore

log = logging.getLogger(__name__)
_COLUMNS = [f"p_{label.value}" for label in LABELS]
_TEST_SPLIT = "test"
_PREDICTED = "predicted"


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predicted labels of n rows, as indices of LABELS, and the probabilities of these labels."""

    origin: str
    labels: list[int]
    confidences: list[float]


def evaluation_predictions(store: ObjectStore, version: str) -> Predictions | None:
    """Predictions of a model's largest evaluation; without labels, the most probable ones.

    If it has a split "test", only that split is used: its rows come from the same distribution as
    the training data, those of the other splits do not.

    Args:
        store: the artefact bucket.
        version: a published model.

    Returns:
        None if no evaluation can be read.
    """
    digests = registry.evaluations(store, version)
    evaluations = {digest: _read(store, version, digest) for digest in digests}
    tables = {digest: table for digest, table in evaluations.items() if table is not None}
    if not tables:
        return None
    digest = max(tables, key=lambda name: (tables[name].num_rows, name))
    table = tables[digest]
    splits = sorted(set(table["split"].to_pylist()))
    if _TEST_SPLIT in splits:
        table, splits = table.filter(pc.equal(table["split"], _TEST_SPLIT)), [_TEST_SPLIT]
    rows = list(zip(*(table[name].to_pylist() for name in _COLUMNS), strict=True))
    if _PREDICTED in table.column_names:
        numbers = {label.value: number for number, label in enumerate(LABELS)}
        labels = [numbers[name] for name in table[_PREDICTED].to_pylist()]
    else:  # an earlier release wrote it
        labels = [max(range(len(row)), key=row.__getitem__) for row in rows]
    confidences = [row[label] for row, label in zip(rows, labels, strict=True)]
    return Predictions(f"evaluation {digest}: {', '.join(splits)}", labels, confidences)


def _read(store: ObjectStore, version: str, digest: str) -> pa.Table | None:
    try:
        body, _ = store.get(layout.evaluation_file(version, digest, layout.EVALUATION_FILES[1]))
        file = pq.ParquetFile(io.BytesIO(body))
        has_labels = _PREDICTED in file.schema_arrow.names
        columns = ["split", *_COLUMNS, *([_PREDICTED] if has_labels else [])]
        table = file.read(columns).select(columns)  # to read ignores a column that is missing
    except (NotFoundError, pa.ArrowException, KeyError) as error:
        log.warning("the predictions %s of %s cannot be read: %s", digest, version, error)
        return None
    return table if table.num_rows else None
