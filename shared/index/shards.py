"""Reads pairs of embedding and analysis shards for an index build.

Part of the write side: this module loads pyarrow, which the read path must not.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from shared.errors import ArtefactError, NotFoundError
from shared.schemas.formats import FormatError
from shared.storage.embeddings import count_embeddings, read_embeddings
from shared.storage.objects import ObjectStore
from shared.storage.pairs import ShardPair
from shared.storage.shards import read_served


class ShardError(Exception):
    """A pair cannot be used; the message says why."""


def hash_of(pairs: list[ShardPair]) -> str:
    """SHA-256 (hex) of a set of pairs and their content."""
    names = "\n".join(pair.name for pair in pairs)
    return hashlib.sha256(names.encode()).hexdigest()


def count_rows(store: ObjectStore, pair: ShardPair) -> int:
    """Number of rows according to the header of the embedding shard; 0 if it is not readable."""
    try:
        with store.open(f"{pair.stem}.npy") as stream:
            return count_embeddings(stream)
    except (ArtefactError, NotFoundError):
        return 0


def read_pair(
    store: ObjectStore, pair: ShardPair, dimension: int
) -> tuple[npt.NDArray[np.float16], pa.Table]:
    """Read and check both halves of a pair.

    Returns:
        float16, rows x dimension, and a table of SERVED_SCHEMA with as many rows.

    Raises:
        FormatError: this release does not read the format of the pair.
        ShardError: a shard is truncated, or they do not match each other or the model.
        UnavailableError: the store does not answer.
    """
    try:
        # read first, because its format version also applies to the array
        table = read_served(store, f"{pair.stem}.parquet")
        vectors = read_embeddings(store, f"{pair.stem}.npy", dimension)
    except FormatError:
        raise
    except ArtefactError as error:
        raise ShardError(error.message) from error
    if table.num_rows != len(vectors):
        raise ShardError(f"it has {len(vectors)} embeddings and {table.num_rows} analyses")
    return vectors, table


def python_rows(table: pa.Table, chunk: int = 2_000) -> Iterator[list[dict[str, Any]]]:
    """Yield rows as dictionaries, in chunks."""
    for batch in table.to_batches(max_chunksize=chunk):
        yield batch.to_pylist()
