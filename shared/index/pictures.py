"""Pictures of the reviews of an index: their vectors, and the review and file of each.

They are in an index only if some were fetched; an earlier release ignores them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import ArtefactError
from shared.index.conditions import Where
from shared.index.rows import RowReader
from shared.index.vectors import Floats, Vectors

FILE = "pictures.faiss"
TABLE = (
    "CREATE TABLE pictures (id INTEGER PRIMARY KEY, review INTEGER NOT NULL, file TEXT NOT NULL)"
    " STRICT"
)
_MAX_PARAMETERS = 500
_POOL_FACTOR = 8
"""Pictures to look at for each result: a review may have several, and several the same text."""


@dataclass(frozen=True, slots=True)
class PictureMatch:
    """A picture near the query: the position of its review, and its file."""

    review: int
    score: float
    file: str


class PictureIndex:
    """The pictures of an open index version; thread-safe."""

    def __init__(self, folder: Path, rows: RowReader) -> None:
        """Open them.

        Raises:
            ArtefactError: the files do not belong together.
        """
        self._vectors = Vectors.open(folder / FILE)
        self._rows = rows
        (count,) = rows.select("SELECT count(*) FROM pictures")[0]
        if count != self._vectors.count:
            raise ArtefactError("the files of the pictures of an index do not belong together")

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._vectors.dimension

    def search(self, vector: Floats, k: int, where: Where | None) -> list[PictureMatch]:
        """The nearest pictures of reviews that a condition holds for, best first, one a review."""
        size = k * _POOL_FACTOR
        if where is None:
            pool = self._vectors.nearest(vector, size)
        else:
            sql = (
                "SELECT p.id FROM pictures AS p JOIN reviews AS r"  # noqa: S608 - our own columns
                f" ON r.id = p.review WHERE {where.sql}"
            )
            matching = [row[0] for row in self._rows.select(sql, where.parameters)]
            pool = self._vectors.nearest_among(vector, size, matching)
        places = self._places(pool.positions.tolist())
        best: dict[int, PictureMatch] = {}
        for position, score in zip(pool.positions.tolist(), pool.scores.tolist(), strict=True):
            review, file = places[position]
            best.setdefault(review, PictureMatch(review, score, file))
        return list(best.values())[:k]

    def first_files(self, reviews: Sequence[int]) -> dict[int, str]:
        """The first picture of each review that has some."""
        sql = "SELECT review, file, min(id) FROM pictures WHERE review IN ({}) GROUP BY review"
        return {row[0]: row[1] for row in self._among(sql, reviews)}

    def files_of(self, review_ids: Sequence[str]) -> dict[str, str]:
        """The first picture of each review that has some, by the id of the review."""
        sql = (
            "SELECT r.review_id, p.file, min(p.id) FROM reviews AS r JOIN pictures AS p"
            " ON p.review = r.id WHERE r.review_id IN ({}) GROUP BY r.review_id"
        )
        return {row[0]: row[1] for row in self._among(sql, review_ids)}

    def _places(self, positions: Sequence[int]) -> dict[int, tuple[int, str]]:
        sql = "SELECT id, review, file FROM pictures WHERE id IN ({})"
        return {row[0]: (row[1], row[2]) for row in self._among(sql, positions)}

    def _among(self, sql: str, values: Sequence[object]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(values), _MAX_PARAMETERS):
            part = values[start : start + _MAX_PARAMETERS]
            yield from self._rows.select(sql.format(",".join("?" * len(part))), part)
