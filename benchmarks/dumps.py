"""Dumps to measure with: public data sets where a folder is given, else invented ones."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isal import igzip

from benchmarks.invented import write_json, write_tsv
from lambdas.collection.reading import ReadOptions, read_dump
from shared.schemas.review import model_text

SOFTWARE = Path("amazon-us-aws", "amazon_reviews_us_Digital_Software.derived.tsv.gz")
CELLPHONES = Path("amazon-cellphones", "Cell_Phones_and_Accessories_5.json")
SOFTWARE_ROWS = 102_084
CELLPHONES_ROWS = 4_775


def head_of(path: Path, target: Path, lines: int) -> Path:
    """Write the first lines of a dump into another file, compressed as its name says."""
    with _opened(path, "rb") as source, _opened(target, "wb") as out:
        out.writelines(itertools.islice(source, lines))
    return target


def _opened(path: Path, mode: str) -> Any:
    return igzip.open(path, mode) if path.suffix == ".gz" else path.open(mode)


def lines_with(path: Path, accepted: int) -> int:
    """How many lines of a TSV hold that many reviews that collection accepts (all, if fewer)."""
    seen = last = 0
    with path.open("rb") as stream:
        for batch in read_dump(stream, name=path.name, options=ReadOptions(batch_rows=2000)):
            records = batch.table["record"]
            if seen + len(records) >= accepted:
                return 1 + int(records[accepted - seen - 1].as_py())
            seen, last = seen + len(records), last + batch.rows_read
    return 1 + last


def encoder_texts(path: Path) -> list[str]:
    """What the encoder reads of each accepted review of a dump."""
    texts: list[str] = []
    with path.open("rb") as stream:
        for batch in read_dump(stream, name=path.name, options=ReadOptions()):
            columns = batch.table["title"].to_pylist(), batch.table["text"].to_pylist()
            texts += map(model_text, *columns)
    return texts


@dataclass(frozen=True)
class Dumps:
    """The two dumps that figures are taken on, and where they come from."""

    software: Path
    cellphones: Path
    source: str


def find(folder: Path | None, scratch: Path, rows: int | None) -> Dumps:
    """The public dumps of a folder, or invented ones of the same size.

    Args:
        folder: holds the data sets named as in
            scripts/model/prepare_training_data.py; None: invent.
        scratch: where files are written.
        rows: cut both dumps to so many rows; None: whole.

    Raises:
        SystemExit: the folder does not hold them.
    """
    if folder is None:
        software, cellphones = scratch / SOFTWARE.name, scratch / CELLPHONES.name
        write_tsv(software, rows=min(rows or SOFTWARE_ROWS, SOFTWARE_ROWS))
        write_json(cellphones, rows=min(rows or CELLPHONES_ROWS, CELLPHONES_ROWS))
        return Dumps(software, cellphones, "invented reviews (no --data)")
    missing = [path for path in (SOFTWARE, CELLPHONES) if not (folder / path).is_file()]
    if missing:
        raise SystemExit(f"{folder} does not hold {', '.join(map(str, missing))}")
    found = Dumps(folder / SOFTWARE, folder / CELLPHONES, "public Amazon reviews")
    if rows is None:
        return found
    return Dumps(
        head_of(found.software, scratch / SOFTWARE.name, rows + 1),
        head_of(found.cellphones, scratch / CELLPHONES.name, rows),
        f"{found.source}, first {rows:,} rows",
    )
