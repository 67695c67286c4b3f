"""A model's predictions in its evaluation. For the write side: this module loads pyarrow."""

import io
import logging

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


def evaluation_predictions(
    store: ObjectStore, version: str
) -> tuple[str, list[tuple[float, float, float]]] | None:
    """Predicted probabilities of a model's largest evaluation.

    If it has a split "test", only that split is used: its rows come from the same distribution as
    the training data, those of the other splits do not.

    Args:
        store: the artefact bucket.
        version: a published model.

    Returns:
        A description of the rows, and the probabilities of each row in the order of LABELS; None
        if no evaluation can be read.
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
    columns = [table[name].to_pylist() for name in _COLUMNS]
    rows = list(zip(*columns, strict=True))
    return f"evaluation {digest}: {', '.join(splits)}", rows


def _read(store: ObjectStore, version: str, digest: str) -> pa.Table | None:
    try:
        body, _ = store.get(layout.evaluation_file(version, digest, layout.EVALUATION_FILES[1]))
        table = pq.read_table(io.BytesIO(body), columns=["split", *_COLUMNS])
    except (NotFoundError, pa.ArrowException) as error:
        log.warning("the predictions %s of %s cannot be read: %s", digest, version, error)
        return None
    return table if table.num_rows else None
