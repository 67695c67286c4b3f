"""Labelled texts with whatever further columns a file has."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from shared.schemas.sentiment import LABELS

_FURTHER = ("source", "category", "rating", "product_id", "reviewer_key")

Texts = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Rows:
    """Texts and labels (n,) 0..2, and those further columns that the file has.

    A missing value of a further column is the empty string; stars are "1" to "5".
    """

    texts: list[str]
    labels: npt.NDArray[np.int64]
    columns: dict[str, Texts]

    def take(self, places: npt.NDArray[np.int64]) -> "Rows":
        """Some of the rows, in the order of the places."""
        return Rows(
            [self.texts[place] for place in places],
            self.labels[places],
            {name: values[places] for name, values in self.columns.items()},
        )


def read_rows(path: Path, limit: int = 0) -> Rows:
    """Read a Parquet file with the columns text and sentiment.

    Args:
        path: The file.
        limit: At most so many rows, evenly spaced over the file; 0: all.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a column is missing, a label is unknown, or there is no row.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: data_dir holds one file for each split")
    names = pq.read_schema(path).names
    for name in ("text", "sentiment"):
        if name not in names:
            raise ValueError(f"{path} has no column {name}")
    further = [name for name in _FURTHER if name in names]
    table = pq.read_table(path, columns=["text", "sentiment", *further])
    if not table.num_rows:
        raise ValueError(f"{path} has no rows")
    if limit and limit < table.num_rows:
        table = table.take(np.arange(limit) * table.num_rows // limit)
    columns = {_slice_name(name): _as_text(table[name]) for name in further}
    return Rows(table["text"].to_pylist(), _labels(table, path), columns)


def _labels(table: pa.Table, path: Path) -> npt.NDArray[np.int64]:
    known = {label.value: number for number, label in enumerate(LABELS)}
    sentiments = table["sentiment"].to_pylist()
    unknown = set(sentiments) - set(known)
    if unknown:
        raise ValueError(f"{path}, column sentiment: {unknown.pop()!r} is none of {list(known)}")
    return np.array([known[sentiment] for sentiment in sentiments])


def _slice_name(column: str) -> str:
    return "stars" if column == "rating" else column


def _as_text(column: pa.ChunkedArray) -> Texts:
    def told(value: object) -> str:
        if isinstance(value, float):
            return "" if np.isnan(value) else f"{value:g}"
        return "" if value is None else str(value)

    return np.array([told(value) for value in column.to_pylist()], dtype=np.str_)
