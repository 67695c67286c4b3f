"""Labelled texts with the optional columns of a file."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from shared.schemas.decisions import Kind
from shared.schemas.sentiment import LABELS

_OPTIONAL_COLUMNS = ("source", "kind", "category", "rating", "product_id", "reviewer_key")

_SPANS = "spans"
LabelledSpan = tuple[int, int, int]
Texts = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Rows:
    """Texts, labels (n,) 0..2, and the optional columns that the file has.

    A missing value of an optional column is the empty string; stars are "1" to "5". ``spans`` are
    the parts of each text that have a label of their own: first character, end, label.
    """

    texts: list[str]
    labels: npt.NDArray[np.int64]
    columns: dict[str, Texts]
    spans: list[list[LabelledSpan]] = field(default_factory=list)

    @property
    def kinds(self) -> list[Kind]:
        """The kind of each row: a review, if the file does not say anything else."""
        names = self.columns.get("kind", np.full(len(self.texts), ""))
        return [Kind.SENTENCE if name == Kind.SENTENCE else Kind.REVIEW for name in names]

    def take(self, indices: npt.NDArray[np.int64]) -> "Rows":
        """The rows at these indices, in their order."""
        return Rows(
            [self.texts[index] for index in indices],
            self.labels[indices],
            {name: values[indices] for name, values in self.columns.items()},
            [self.spans[index] for index in indices] if self.spans else [],
        )


def read_rows(path: Path, limit: int = 0) -> Rows:
    """Read a Parquet file with the columns text and sentiment.

    Args:
        path: The file.
        limit: Maximum number of rows, evenly spaced over the file; 0: all.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a column is missing, a label is unknown, or the file has no rows.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: data_dir must hold one file per split")
    names = pq.read_schema(path).names
    for name in ("text", "sentiment"):
        if name not in names:
            raise ValueError(f"{path} has no column {name}")
    optional = [name for name in (*_OPTIONAL_COLUMNS, _SPANS) if name in names]
    table = pq.read_table(path, columns=["text", "sentiment", *optional])
    if not table.num_rows:
        raise ValueError(f"{path} has no rows")
    if limit and limit < table.num_rows:
        table = table.take(np.arange(limit) * table.num_rows // limit)
    columns = {_slice_name(name): _as_text(table[name]) for name in optional if name != _SPANS}
    labels = np.array(_numbers(table["sentiment"].to_pylist(), f"{path}, column sentiment"))
    spans = _read_spans(table[_SPANS].to_pylist(), path) if _SPANS in optional else []
    return Rows(table["text"].to_pylist(), labels, columns, spans)


def _read_spans(column: list[str | None], path: Path) -> list[list[LabelledSpan]]:
    rows = [json.loads(value or "[]") for value in column]
    return [
        [
            (start, end, _numbers([name], f"{path}, row {row}, column spans")[0])
            for start, end, name in spans
        ]
        for row, spans in enumerate(rows, 1)
    ]


def _numbers(names: list[str], place: str) -> list[int]:
    numbers = {label.value: number for number, label in enumerate(LABELS)}
    if unknown := set(names) - set(numbers):
        raise ValueError(f"{place}: {unknown.pop()!r} is not one of {list(numbers)}")
    return [numbers[name] for name in names]


def _slice_name(column: str) -> str:
    return "stars" if column == "rating" else column


def _as_text(column: pa.ChunkedArray) -> Texts:
    def format_value(value: object) -> str:
        if isinstance(value, float):
            return "" if np.isnan(value) else f"{value:g}"
        return "" if value is None else str(value)

    return np.array([format_value(value) for value in column.to_pylist()], dtype=np.str_)
