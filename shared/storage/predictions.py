"""What a model said of the rows of its evaluation. For the write side: it loads pyarrow."""

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
_TEST = "test"


def said_when_tried(
    store: ObjectStore, version: str
) -> tuple[str, list[tuple[float, float, float]]] | None:
    """Probabilities that a model gave in its largest evaluation.

    The split "test" alone, where there is one: that is drawn like what the model was trained on,
    the others try it with something else.

    Args:
        store: the artefact bucket.
        version: a published model.

    Returns:
        Which rows these are, and of each its probabilities in the order of LABELS; None where no
        evaluation can be read.
    """
    read = {
        digest: _read(store, version, digest) for digest in registry.evaluations(store, version)
    }
    tables = {digest: table for digest, table in read.items() if table is not None}
    if not tables:
        return None
    digest = max(tables, key=lambda name: (tables[name].num_rows, name))
    table = tables[digest]
    splits = sorted(set(table["split"].to_pylist()))
    if _TEST in splits:
        table, splits = table.filter(pc.equal(table["split"], _TEST)), [_TEST]
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
