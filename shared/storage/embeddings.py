"""Reads embedding shards: float16 arrays of unit vectors, one for each row of a clean shard.

For the write side, and for checks of stored objects.
"""

import io
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from shared.errors import ArtefactError
from shared.storage.objects import ObjectStore

_UNIT_TOLERANCE = 0.02
UNREADABLE = (
    *(ValueError, EOFError, OSError, TypeError, IndexError, SyntaxError, TokenError),
    *(OverflowError, MemoryError),
)
"""What NumPy raises for bytes that are not an array: the header is a Python literal."""


def read_embeddings(
    store: ObjectStore, key: str, dimension: int | None = None
) -> npt.NDArray[np.float16]:
    """Read an embedding shard and check type, shape and length of every vector.

    Args:
        store: the artefact bucket.
        key: of the shard.
        dimension: length that each vector must have; None: any.

    Raises:
        NotFoundError: there is no such object.
        CorruptObjectError: its bytes do not match its checksum.
        ArtefactError: it is not an array, of another shape, or has a vector that is not of unit
            length (for example with NaN).
    """
    body, _ = store.get(key)
    try:
        vectors = np.load(io.BytesIO(body), allow_pickle=False)
    except UNREADABLE as error:
        raise ArtefactError(f"{key} is truncated or not an array ({error})") from error
    if not isinstance(vectors, np.ndarray):
        raise ArtefactError(f"{key} is an archive, not an array")
    _check(vectors, key, dimension)
    return vectors


def _check(vectors: npt.NDArray[Any], key: str, dimension: int | None) -> None:
    is_table = vectors.dtype == np.float16 and vectors.ndim == 2
    if not is_table or dimension not in (None, vectors.shape[1]):
        shape = f"{vectors.dtype}{vectors.shape}"
        columns = "some" if dimension is None else dimension
        raise ArtefactError(f"{key} is {shape}, not float16 with {columns} columns")
    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
    # a comparison with NaN is false
    if not (np.abs(lengths - 1.0) < _UNIT_TOLERANCE).all():
        raise ArtefactError(f"an embedding in {key} is not of unit length")


def count_embeddings(stream: BinaryIO) -> int:
    """Number of rows in the header of an embedding shard; 0 if it is not an array."""
    try:
        major, _ = np.lib.format.read_magic(stream)
        read = np.lib.format
        header = read.read_array_header_1_0 if major == 1 else read.read_array_header_2_0
        return int(header(stream)[0][0])
    except UNREADABLE:
        return 0
