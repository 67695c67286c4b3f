"""Writes the shards of a batch again without the rows of an excluded reviewer or product.

Each file can be written twice: a row that is gone is not missed. A file that cannot be read, or
that does not fit to the others, is deleted and made again from what it was made of.
"""

import io
import logging
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lambdas.collection.dependencies import Dependencies
from shared.db.ingest.excluded_rows import ExcludedPart
from shared.errors import ArtefactError, NotFoundError
from shared.schemas.formats import FormatError
from shared.storage.embeddings import read_embeddings
from shared.storage.objects import ObjectStore
from shared.storage.shards import read_clean, read_served, to_parquet

log = logging.getLogger(__name__)


@dataclass
class Rewritten:
    """What is to be written of a batch: bytes by key, and keys to delete."""

    clean: bytes | None = None
    """None: the clean shard goes, because it has no other row, or cannot be read."""
    is_clean_lost: bool = False
    derived: dict[str, bytes] = field(default_factory=dict)
    unwanted: list[str] = field(default_factory=list)
    lost_models: set[str] = field(default_factory=set)
    """Models whose shards of this batch cannot be read."""
    models: Counter[str] = field(default_factory=Counter)


def rewrite(dependencies: Dependencies, part: ExcludedPart, derived: list[str]) -> Rewritten:
    """Read the shards of a batch, and leave the rows out; nothing is written.

    Args:
        dependencies: adapters of collection.
        part: the batch and its rows.
        derived: keys of its embeddings and analyses.

    Raises:
        FormatError: a newer release wrote a shard.
    """
    result, left = Rewritten(), part.rows - len(part.records)
    if not left:
        result.unwanted = derived
        return result
    table = _clean_rows(dependencies.clean, part)
    if table is None or table.num_rows != left:
        result.is_clean_lost, result.unwanted = True, derived
        result.lost_models = {key.split("/")[1] for key in derived}
        return result
    result.clean = to_parquet(table)
    for stem in sorted({key.rpartition(".")[0] for key in derived}):
        model, keys = stem.split("/")[1], [key for key in derived if key.startswith(f"{stem}.")]
        pair = _pair(dependencies.artefacts, stem, part, left)
        if pair is None:
            result.unwanted += keys
            result.lost_models.add(model)
        else:
            result.derived |= pair
            result.models[model] += 1
    return result


def write(dependencies: Dependencies, part: ExcludedPart, result: Rewritten) -> None:
    """Write the shards of a batch, and delete what is unwanted."""
    for key, body in result.derived.items():
        dependencies.artefacts.put(key, body)
    for key in result.unwanted:
        dependencies.artefacts.delete(key)
    if result.clean is not None:
        dependencies.clean.put(part.key, result.clean)
    else:
        dependencies.clean.delete(part.key)


def _without(table: pa.Table, part: ExcludedPart) -> pa.Array:
    ids = pa.array(part.records, table["review_id"].type)
    return pc.invert(pc.is_in(table["review_id"], value_set=ids))


def _clean_rows(clean: ObjectStore, part: ExcludedPart) -> pa.Table | None:
    try:
        table = read_clean(clean, part.key)
    except FormatError:
        raise
    except (NotFoundError, ArtefactError) as error:
        log.warning("a clean shard is lost: %s", error, extra={"key": part.key})
        return None
    return table.filter(_without(table, part))


def _pair(
    artefacts: ObjectStore, stem: str, part: ExcludedPart, left: int
) -> dict[str, bytes] | None:
    """Both halves of a pair without the rows; None if they do not fit together."""
    try:
        table = read_served(artefacts, f"{stem}.parquet")
        vectors = read_embeddings(artefacts, f"{stem}.npy")
    except FormatError:
        raise
    except (NotFoundError, ArtefactError) as error:
        log.warning("a shard of embeddings is lost: %s", error, extra={"key": stem})
        return None
    keep = _without(table, part)
    rows = table.filter(keep)
    if len(vectors) != table.num_rows or rows.num_rows != left:
        return None
    sink = io.BytesIO()
    np.save(sink, vectors[np.array(keep.to_pylist(), bool)], allow_pickle=False)
    return {f"{stem}.npy": sink.getvalue(), f"{stem}.parquet": to_parquet(rows)}
