"""Writes generated reviews as dumps of several formats."""

import csv
import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from isal import igzip

from benchmarks.generated import generate_reviews, json_line, write_tsv

_COLUMNS = {
    "review_id": "serial",
    "user_id": "reviewer",
    "product_id": "product",
    "rating": "stars",
    "title": "title",
    "review": "text",
    "date": "day",
}
"""Columns of CSV and Parquet, and what each has of a generated review."""


def _records(rows: int) -> Iterator[dict[str, Any]]:
    for review in itertools.islice(generate_reviews(), rows):
        record = {column: review[key] for column, key in _COLUMNS.items()}
        yield record | {"date": f"{review['day']:%Y-%m-%d}"}


def _write_csv(path: Path, rows: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(_COLUMNS))
        writer.writeheader()
        writer.writerows(_records(rows))


def _write_tsv(path: Path, rows: int) -> None:
    write_tsv(path, rows=rows)


def _write_jsonl(path: Path, rows: int) -> None:
    with igzip.open(path, "wb", compresslevel=1) as packed, io.TextIOWrapper(packed) as out:
        out.writelines(map(json_line, itertools.islice(generate_reviews(), rows)))


def _write_parquet(path: Path, rows: int) -> None:
    records = _records(rows)
    first = pa.Table.from_pylist(list(itertools.islice(records, 50_000)))
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        while batch := list(itertools.islice(records, 50_000)):
            writer.write_table(pa.Table.from_pylist(batch, schema=first.schema))


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "csv": _write_csv,
    "tsv.gz": _write_tsv,
    "jsonl.gz": _write_jsonl,
    "parquet": _write_parquet,
}
"""Functions that write a dump of so many rows, by the ending of its name."""
