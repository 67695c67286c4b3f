"""Dumps for measurements: public data sets if a folder is given, else generated ones."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isal import igzip

from benchmarks.generated import write_json, write_tsv
from lambdas.collection.reading import ReadOptions, read_dump
from shared.schemas.review import model_text

SOFTWARE = Path("amazon-us-aws", "amazon_reviews_us_Digital_Software.derived.tsv.gz")
CELLPHONES = Path("amazon-cellphones", "Cell_Phones_and_Accessories_5.json")
SOFTWARE_ROWS = 102_084
CELLPHONES_ROWS = 4_775


def head_of(path: Path, target: Path, lines: int) -> Path:
    """Copy the first lines of a dump to another file, compressed if its name ends in .gz."""
    with _open(path, "rb") as source, _open(target, "wb") as out:
        out.writelines(itertools.islice(source, lines))
    return target


def _open(path: Path, mode: str) -> Any:
    return igzip.open(path, mode) if path.suffix == ".gz" else path.open(mode)


def count_lines_for(path: Path, accepted: int) -> int:
    """How many lines of a TSV have this many accepted reviews (all lines, if fewer)."""
    accepted_before = rows_before = 0
    with path.open("rb") as stream:
        for batch in read_dump(stream, name=path.name, options=ReadOptions(batch_rows=2000)):
            records = batch.table["record"]
            if accepted_before + len(records) >= accepted:
                return 1 + int(records[accepted - accepted_before - 1].as_py())
            accepted_before += len(records)
            rows_before += batch.rows_read
    return 1 + rows_before


def encoder_texts(path: Path) -> list[str]:
    """Encoder input of each accepted review of a dump."""
    texts: list[str] = []
    with path.open("rb") as stream:
        for batch in read_dump(stream, name=path.name, options=ReadOptions()):
            columns = batch.table["title"].to_pylist(), batch.table["text"].to_pylist()
            texts += map(model_text, *columns)
    return texts


@dataclass(frozen=True)
class Dumps:
    """The two dumps for measurements, and their source."""

    software: Path
    cellphones: Path
    source: str


def find_dumps(folder: Path | None, scratch: Path, rows: int | None) -> Dumps:
    """The public dumps in a folder, or generated ones of the same size.

    Args:
        folder: has the data sets named as in scripts/model/prepare_training_data.py; None:
            generate dumps.
        scratch: folder for new files.
        rows: limit both dumps to this many rows; None: whole dumps.

    Raises:
        SystemExit: the folder does not have them.
    """
    if folder is None:
        software, cellphones = scratch / SOFTWARE.name, scratch / CELLPHONES.name
        write_tsv(software, rows=min(rows or SOFTWARE_ROWS, SOFTWARE_ROWS))
        write_json(cellphones, rows=min(rows or CELLPHONES_ROWS, CELLPHONES_ROWS))
        return Dumps(software, cellphones, "generated reviews (no --data)")
    missing = [path for path in (SOFTWARE, CELLPHONES) if not (folder / path).is_file()]
    if missing:
        raise SystemExit(f"{folder} does not have {', '.join(map(str, missing))}")
    dumps = Dumps(folder / SOFTWARE, folder / CELLPHONES, "public Amazon reviews")
    if rows is None:
        return dumps
    return Dumps(
        head_of(dumps.software, scratch / SOFTWARE.name, rows + 1),
        head_of(dumps.cellphones, scratch / CELLPHONES.name, rows),
        f"{dumps.source}, first {rows:,} rows",
    )
