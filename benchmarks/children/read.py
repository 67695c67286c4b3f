"""Reads a dump again and again: with collection's reader, and with plain parsers.

The plain parsers only split: they clean nothing, make no identities and keep no types.
"""

import csv
import gzip
import json
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from benchmarks.children.measure import answer, task
from lambdas.collection.reading import ReadOptions, read_dump

Reader = Callable[[Path], int]


def collection(path: Path) -> int:
    """Parse, clean, identify, make Arrow tables."""
    options = ReadOptions(reviewer_key=b"of no importance", batch_rows=10_000)
    with path.open("rb") as stream:
        return sum(batch.rows_read for batch in read_dump(stream, name=path.name, options=options))


def _lines(path: Path) -> Any:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open()


def plain_csv(path: Path) -> int:
    """The standard library's csv."""
    with _lines(path) as lines:
        return sum(1 for _ in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)) - 1


def plain_json(path: Path, loads: Callable[[str], Any] = json.loads) -> int:
    """A JSON parser over the lines of a file that may be one long list."""
    count = 0
    with _lines(path) as lines:
        for line in lines:
            try:
                loads(line.strip().lstrip("[").rstrip(",]"))
            except ValueError:
                continue
            count += 1
    return count


def arrow_csv(path: Path) -> int:
    """pyarrow's reader of delimited text, on one thread, into one table."""
    from pyarrow import csv as pa_csv

    table = pa_csv.read_csv(
        path,
        read_options=pa_csv.ReadOptions(use_threads=False),
        parse_options=pa_csv.ParseOptions(delimiter="\t", quote_char=False),
    )
    return int(table.num_rows)


def pandas_csv(path: Path) -> int:
    """The reader of pandas, into one frame of text columns."""
    import pandas as pd  # type: ignore[import-untyped]

    return len(pd.read_csv(path, sep="\t", quoting=csv.QUOTE_NONE, dtype=str))


def readers(path: Path) -> dict[str, Reader]:
    """The readers that fit a dump, collection's first."""
    if ".tsv" not in path.suffixes:
        return {"json": plain_json, "orjson": partial(plain_json, loads=orjson.loads)}
    found: dict[str, Reader] = {"csv": plain_csv, "pyarrow": arrow_csv}
    if find_spec("pandas"):
        found["pandas"] = pandas_csv
    return found


def main() -> None:
    asked = task()
    path = Path(asked["path"])
    every: dict[str, Reader] = {"collection": collection, **readers(path)}
    for read in every.values():  # imports and the page cache are no matter of speed
        rows = read(path)
    rates: dict[str, list[float]] = {name: [] for name in every}
    for _ in range(asked["rounds"]):
        for name, read in every.items():
            started = time.perf_counter()
            rows = read(path)
            rates[name].append(rows / (time.perf_counter() - started))
    answer({"rates": rates, "rows": collection(path)})


if __name__ == "__main__":
    main()
