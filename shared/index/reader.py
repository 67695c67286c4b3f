"""An open index version: finds the nearest reviews, optionally filtered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from shared.errors import ArtefactError
from shared.index import pictures, rows, vectors
from shared.index.conditions import Where, where_of
from shared.index.pictures import PictureIndex
from shared.index.rows import Row, RowReader
from shared.index.vectors import Floats, Matches, Vectors
from shared.schemas.search import SearchFilters
from shared.storage.artefacts import LocalVersion

_FIRST_POOL_SIZE = 200
"""Nearest reviews to filter before all matching reviews are selected instead."""
_SPARE_RESULTS = 8
_POOL_GROWTH = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """A review and its cosine similarity to the query.

    ``file`` is a picture of the review, if it has one: ``<ingest>/<hash>``. With ``by_picture``,
    the similarity is that of this picture.
    """

    row: Row
    score: float
    file: str | None = None
    by_picture: bool = False


class IndexReader:
    """One open index version; thread-safe."""

    def __init__(self, version: LocalVersion) -> None:
        """Open a verified version.

        Raises:
            ArtefactError: its files do not belong together.
        """
        folder, manifest = version.folder, version.manifest
        self.manifest = manifest
        effort = manifest.parameters.get("ef_search", 64)
        self._vectors = Vectors.open(
            folder / vectors.FILE, effort=effort if isinstance(effort, int) else 64
        )
        self._rows = RowReader(folder / rows.FILE)
        counts = {self._vectors.count, self._rows.count, manifest.count}
        if len(counts) != 1 or self._vectors.dimension != manifest.dimension:
            raise ArtefactError(f"the files of index {manifest.version} do not belong together")
        self._pictures: PictureIndex | None = None
        if pictures.FILE in manifest.files:
            self._pictures = PictureIndex(folder, self._rows)
            if self._pictures.dimension != manifest.dimension:
                raise ArtefactError(f"pictures of index {manifest.version} are of another model")

    @property
    def version(self) -> str:
        """The index version."""
        return self.manifest.version

    @property
    def count(self) -> int:
        """Number of reviews."""
        return self._vectors.count

    def search(self, vector: Floats, k: int, filters: SearchFilters | None = None) -> list[Hit]:
        """The ``k`` nearest reviews that pass the filters, best first.

        A review is as near as its text or its nearest picture. Of reviews with the same text, only
        the nearest is returned. If ``k`` different texts match, there are ``k`` results: filters
        apply to the search, not to its results.
        """
        if k <= 0:
            return []
        where = where_of(filters, self._rows.missing)
        chosen = self._among_nearest(vector, k, where)
        if chosen is None:
            assert where is not None  # noqa: S101 - without a filter it always finds them
            chosen = self._among_matching(vector, k, where)
        near, shown = dict[int, str](), dict[int, str]()
        if self._pictures is not None:
            chosen, near = self._with_pictures(self._pictures, vector, k, where, chosen)
            shown = self._pictures.first_files([position for position, _ in chosen]) | near
        rows = self._rows.rows([position for position, _ in chosen])
        return [
            Hit(rows[position], score, shown.get(position), position in near)
            for position, score in chosen
        ]

    def picture_files(self, review_ids: Sequence[str]) -> dict[str, str]:
        """A picture of each review that has some, by the id of the review."""
        return self._pictures.files_of(review_ids) if self._pictures is not None else {}

    def _with_pictures(
        self,
        index: PictureIndex,
        vector: Floats,
        k: int,
        where: Where | None,
        texts: list[tuple[int, float]],
    ) -> tuple[list[tuple[int, float]], dict[int, str]]:
        """The nearest by text or picture, and the files of those that a picture brought in."""
        scores, files = dict(texts), dict[int, str]()
        for match in index.search(vector, k, where):
            if match.score > scores.get(match.review, -2.0):
                scores[match.review] = match.score
                files[match.review] = match.file
        merged = Matches(
            np.array(list(scores), np.int64), np.array(list(scores.values()), np.float32)
        )
        return self._distinct(merged, k, None), files

    def _among_nearest(
        self, vector: Floats, k: int, where: Where | None
    ) -> list[tuple[int, float]] | None:
        """Take the nearest of all reviews and drop those that do not match.

        Fast where filters match many reviews. With a filter it returns None when the first pool
        has fewer than ``k`` matches; without one, it widens the pool until it has.
        """
        if where is None:
            return self._widen(lambda size: self._vectors.nearest(vector, size), self.count, k)
        size = max(_FIRST_POOL_SIZE, 2 * k)
        chosen = self._distinct(self._vectors.nearest(vector, size), k, where)
        return chosen if len(chosen) == k or size >= self.count else None

    def _among_matching(self, vector: Floats, k: int, where: Where) -> list[tuple[int, float]]:
        """Select the reviews that match, and search only those, exactly."""
        matching = self._rows.matching(where)
        return self._widen(
            lambda size: self._vectors.nearest_among(vector, size, matching), len(matching), k
        )

    def _widen(
        self, search: Callable[[int], Matches], available: int, k: int
    ) -> list[tuple[int, float]]:
        """Search larger and larger pools for ``k`` different texts, or until all are searched."""
        size = 2 * k + _SPARE_RESULTS
        while True:
            chosen = self._distinct(search(size), k, None)
            if len(chosen) == k or size >= available:
                return chosen
            size *= _POOL_GROWTH

    def _distinct(self, pool: Matches, k: int, where: Where | None) -> list[tuple[int, float]]:
        positions = pool.positions.tolist()
        hashes = self._rows.hashes(positions, where)
        texts: set[int] = set()
        chosen: list[tuple[int, float]] = []
        ranked = sorted(zip(pool.scores.tolist(), positions, strict=True), key=_best_first)
        for score, position in ranked:
            text = hashes.get(position)
            if text is None or text in texts:
                continue
            texts.add(text)
            chosen.append((position, score))
            if len(chosen) == k:
                break
        return chosen


def _best_first(entry: tuple[float, int]) -> tuple[float, int]:
    return -entry[0], entry[1]
