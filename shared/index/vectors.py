"""The FAISS side of an index: exact or HNSW over float16 vectors, by inner product.

Shards are float16 already, so float16 storage loses nothing, halves the memory, and scans three
times as fast as float32 here.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss as _faiss
import numpy as np
import numpy.typing as npt

from shared.errors import ArtefactError

faiss: Any = _faiss  # its annotations lack many methods of its Python wrapper
FILE = "index.faiss"
EXACT_UP_TO = 50_000
NEIGHBOURS = 32
CONSTRUCTION_EFFORT = 200
MIN_RECALL = 0.97
_EFFORTS = (32, 64, 128, 256, 512)
_SAMPLE_SIZE = 200
_MIN_VECTORS_PER_RESULT = 20
"""Searching a graph for more than a twentieth of all vectors is slower than a full scan."""
_RECALL_AT = 10

Floats = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matches:
    """Positions and inner products, best first."""

    positions: Positions
    scores: Floats


def new_index(dimension: int, count: int, *, exact_up_to: int = EXACT_UP_TO) -> Any:
    """An empty FAISS index suited to that many vectors."""
    kind = faiss.ScalarQuantizer.QT_fp16
    if count <= exact_up_to:
        index = faiss.IndexScalarQuantizer(dimension, kind, faiss.METRIC_INNER_PRODUCT)
    else:
        index = faiss.IndexHNSWSQ(dimension, kind, NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = CONSTRUCTION_EFFORT
    index.train(np.zeros((1, dimension), dtype=np.float32))
    return index


def add(index: Any, array: Floats) -> None:
    """Append vectors, on all cores (a search in the same thread may have set fewer threads)."""
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    index.add(array)


def write(index: Any, path: Path, *, graph: bool = True) -> None:
    """Write a FAISS index to a file; without its graph it searches exactly."""
    if hasattr(index, "hnsw") and not graph:
        # the storage belongs to the graph and must not outlive it
        faiss.write_index(faiss.downcast_index(index.storage), str(path))
    else:
        faiss.write_index(index, str(path))


class Vectors:
    """An open FAISS index. Searching is thread-safe; each search uses one thread."""

    def __init__(self, index: Any, *, effort: int = 64) -> None:
        self._index = index
        self._graph = hasattr(index, "hnsw")
        self._storage = faiss.downcast_index(index.storage) if self._graph else index
        self._effort = effort

    @classmethod
    def open(cls, path: Path, *, effort: int = 64) -> "Vectors":
        """Read a FAISS file.

        Raises:
            ArtefactError: it is not a FAISS file.
        """
        try:
            return cls(faiss.read_index(str(path)), effort=effort)
        except RuntimeError as error:
            raise ArtefactError(f"{path.name} cannot be opened") from error

    @property
    def count(self) -> int:
        """Number of vectors."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    def nearest(self, vector: Floats, k: int) -> Matches:
        """The ``k`` nearest of all vectors, or all if there are fewer."""
        k = min(k, self.count)
        if not self._graph or k * _MIN_VECTORS_PER_RESULT > self.count:
            return self._search(self._storage, vector, k)
        parameters = faiss.SearchParametersHNSW(efSearch=max(self._effort, k))
        return self._search(self._index, vector, k, parameters)

    def nearest_among(self, vector: Floats, k: int, positions: npt.ArrayLike) -> Matches:
        """The ``k`` nearest of the vectors at ``positions``, exactly."""
        chosen = np.zeros(self.count, dtype=np.uint8)
        chosen[np.asarray(positions, dtype=np.int64)] = 1
        k = min(k, int(chosen.sum()))
        bits = np.packbits(chosen, bitorder="little")
        selector = faiss.IDSelectorBitmap(bits)
        return self._search(self._storage, vector, k, faiss.SearchParameters(sel=selector))

    def _search(self, index: Any, vector: Floats, k: int, parameters: Any = None) -> Matches:
        if k <= 0:
            return Matches(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))
        # the setting belongs to the calling thread; a second thread does not speed up one query
        faiss.omp_set_num_threads(1)
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        scores, positions = index.search(query, k, params=parameters)
        real = positions[0] >= 0
        return Matches(positions[0][real], np.clip(scores[0][real], -1.0, 1.0))

    def at(self, position: int) -> Floats:
        """The vector at a position."""
        return np.asarray(self._storage.reconstruct(int(position)), dtype=np.float32)

    def recall(self, effort: int) -> float:
        """Share of the true ten nearest that the graph finds, over a fixed sample of vectors."""
        trial = Vectors(self._index, effort=effort)
        everything = np.arange(self.count)
        hits = total = 0
        for position in np.linspace(0, self.count - 1, min(_SAMPLE_SIZE, self.count)).astype(int):
            vector = self.at(position)
            exact = trial.nearest_among(vector, _RECALL_AT + 1, everything).positions
            approximate = trial.nearest(vector, _RECALL_AT + 1).positions
            neighbours = set(exact.tolist()) - {int(position)}
            hits += len(neighbours & set(approximate.tolist()))
            total += len(neighbours)
        return hits / max(1, total)

    def least_effort(self) -> tuple[int, float] | None:
        """The smallest efSearch that reaches MIN_RECALL, and its recall; None if none does."""
        for effort in _EFFORTS:
            recall = self.recall(effort)
            if recall >= MIN_RECALL:
                return effort, recall
        return None
