"""Reads a dump repeatedly, with collection's reader and with plain parsers.

The plain parsers only parse: they do not clean, identify or convert anything.
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

from benchmarks.children.measure import read_task, write_result
from lambdas.collection.reading import ReadOptions, read_dump

Reader = Callable[[Path], int]


def collection(path: Path) -> int:
    """Parse, clean, identify and build Arrow tables."""
    options = ReadOptions(reviewer_key=b"any key", batch_rows=10_000)
    with path.open("rb") as stream:
        return sum(batch.rows_read for batch in read_dump(stream, name=path.name, options=options))


def _lines(path: Path) -> Any:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open()


def plain_csv(path: Path) -> int:
    """The csv module of the standard library."""
    with _lines(path) as lines:
        return sum(1 for _ in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)) - 1


def plain_json(path: Path, loads: Callable[[str], Any] = json.loads) -> int:
    """A JSON parser applied to each line of a file, which may be one long list."""
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
    """The CSV reader of pyarrow, with one thread, into one table."""
    from pyarrow import csv as pa_csv

    table = pa_csv.read_csv(
        path,
        read_options=pa_csv.ReadOptions(use_threads=False),
        parse_options=pa_csv.ParseOptions(delimiter="\t", quote_char=False),
    )
    return int(table.num_rows)


def pandas_csv(path: Path) -> int:
    """The CSV reader of pandas, into one frame of text columns."""
    import pandas as pd  # type: ignore[import-untyped]

    return len(pd.read_csv(path, sep="\t", quoting=csv.QUOTE_NONE, dtype=str))


def plain_parsers(path: Path) -> dict[str, Reader]:
    """The plain parsers for the format of a dump."""
    if ".tsv" not in path.suffixes:
        return {"json": plain_json, "orjson": partial(plain_json, loads=orjson.loads)}
    parsers: dict[str, Reader] = {"csv": plain_csv, "pyarrow": arrow_csv}
    if find_spec("pandas"):
        parsers["pandas"] = pandas_csv
    return parsers


def main() -> None:
    task = read_task()
    path = Path(task["path"])
    readers: dict[str, Reader] = {"collection": collection, **plain_parsers(path)}
    for read in readers.values():  # warm up imports and the page cache
        rows = read(path)
    rates: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(task["rounds"]):
        for name, read in readers.items():
            started = time.perf_counter()
            rows = read(path)
            rates[name].append(rows / (time.perf_counter() - started))
    write_result({"rates": rates, "rows": collection(path)})


if __name__ == "__main__":
    main()
