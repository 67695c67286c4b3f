"""Read the public review data sets into the Parquet files that training and evaluation take.

    python scripts/model/prepare_training_data.py DATA_FOLDER OUTPUT_FOLDER [--leave-out SOURCE…]
        [--stratified]

DATA_FOLDER holds the data sets named in models/default/MODEL_CARD.md, each in its own folder. Each
output has the columns text, rating, sentiment, source, product_id,
category and reviewer_key (a hash; who wrote a review is nobody's business here).

A text stands on one side only: rows are deduplicated by normalised text over all sources, texts of
the evaluation sets are removed from training, and the split is a hash of the product (of the text
where a source has no product). No chance is involved, so the same input gives the same files.

A hash alone leaves the sentiments of a source with few products uneven over the splits; with
--stratified each product goes where its sentiments are missing most. A source that is left out goes
whole into a split of its own, and no other split has a text of it.
"""

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from training_sources import HELD_OUT, TRAINED, Row

_WORD = re.compile(r"[^a-z0-9]+")
SPLITS = {"train": 224 / 256, "validation": 12 / 256, "test": 20 / 256}
"""Shares of the rows of a source."""
_SCHEMA = pa.schema(
    [(name, pa.float64() if name == "rating" else pa.string()) for name in Row._fields]
)


def text_key(text: str) -> str:
    """Normalised text: lower case, letters and digits alone."""
    return _WORD.sub(" ", text.lower()).strip()


def _unit(row: Row) -> str:
    """What must not be split: the product, or the text where there is none."""
    return f"{row.source}:{row.product_id or text_key(row.text)}"


def split_of(row: Row) -> str:
    """train, validation or test, by a hash of the product (of the text where there is none)."""
    bucket = hashlib.sha256(_unit(row).encode()).digest()[0]
    return "test" if bucket < 20 else "validation" if bucket < 32 else "train"


def stratified(rows: list[Row]) -> dict[str, list[Row]]:
    """Splits whose sentiments, in each source, are mixed as the whole source's are.

    Products go one after the other, in the order of their hash, to the split that lags most in what
    they bring (after Sechidis, Tsoumakas, Vlahavas 2011); one that is too large for the rest of a
    split goes to another.
    """
    units: dict[str, list[Row]] = {}
    for row in rows:
        units.setdefault(_unit(row), []).append(row)
    whole = Counter((row.source, row.sentiment) for row in rows)
    large = Counter(row.source for row in rows)
    placed: Counter[tuple[str, str]] = Counter()
    has: dict[str, Counter[tuple[str, str]]] = {split: Counter() for split in SPLITS}
    found: dict[str, list[Row]] = {split: [] for split in SPLITS}

    def lag(split: str, brings: Counter[tuple[str, str]]) -> float:
        return sum(
            count / whole[key] * (placed[key] - has[split][key] / SPLITS[split]) / whole[key]
            for key, count in brings.items()
        )

    def fits(split: str, source: str, size: int) -> bool:
        there = sum(count for (of, _), count in has[split].items() if of == source)
        return split == "train" or there + size <= SPLITS[split] * large[source]

    for unit in sorted(units, key=lambda unit: hashlib.sha256(unit.encode()).digest()):
        source, size = units[unit][0].source, len(units[unit])
        brings = Counter((source, row.sentiment) for row in units[unit])
        placed.update(brings)
        choice = [split for split in SPLITS if fits(split, source, size)]
        split = max(choice, key=lambda split: lag(split, brings))
        has[split].update(brings)
        found[split] += units[unit]
    return found


def prepare(
    folder: Path, leave_out: Sequence[str] = (), *, balanced: bool = False
) -> dict[str, list[Row]]:
    """All splits by name; every normalised text occurs once over train, validation and test.

    Args:
        folder: The data sets.
        leave_out: Sources that become a split of their own; no other split has a text of theirs.
        balanced: Stratify the splits by sentiment.

    Raises:
        ValueError: a source to leave out is not there.
    """
    held = {reader.__name__: list(reader(folder)) for reader in HELD_OUT}
    held |= {source: [] for source in leave_out}
    pool: list[Row] = []
    for reader in TRAINED:
        for row in reader(folder):
            (held[row.source] if row.source in leave_out else pool).append(row)
    if missing := [source for source in leave_out if not held[source]]:
        known = sorted({row.source for row in pool})
        msg = f"--leave-out: no source {', '.join(missing)}; there are {', '.join(known)}"
        raise ValueError(msg)
    for source in leave_out:
        held[source] = _once(held[source], set())
    rows = _once(pool, {text_key(row.text) for rows in held.values() for row in rows})
    if balanced:
        return {**stratified(rows), **held}
    splits: dict[str, list[Row]] = {"train": [], "validation": [], "test": []}
    for row in rows:
        splits[split_of(row)].append(row)
    return {**splits, **held}


def _once(rows: Iterable[Row], seen: set[str]) -> list[Row]:
    """The rows whose text is not yet among ``seen``, which grows by theirs."""
    found = []
    for row in rows:
        key = text_key(row.text)
        if key and key not in seen:
            seen.add(key)
            found.append(row)
    return found


def summary_of(rows: list[Row]) -> dict[str, object]:
    """Counts by source and sentiment, the share of each sentiment, and the hash of the texts."""
    sentiments = Counter(row.sentiment for row in rows)
    return {
        "rows": len(rows),
        "text_sha256": hashlib.sha256("\n".join(row.text for row in rows).encode()).hexdigest(),
        "counts": dict(Counter(f"{row.source}/{row.sentiment}" for row in rows)),
        "shares": {name: round(count / len(rows), 4) for name, count in sentiments.items()},
    }


def main(argv: list[str] | None = None) -> int:
    """Write one Parquet file per split and splits.json with counts and hashes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("output", type=Path, help="folder of the Parquet files and splits.json")
    parser.add_argument(
        "--leave-out", nargs="+", default=[], metavar="SOURCE", help="into <source>.parquet, whole"
    )
    parser.add_argument(
        "--stratified", action="store_true", help="spread the sentiments of a source evenly"
    )
    given = parser.parse_args(argv)
    try:
        splits = prepare(given.data, given.leave_out, balanced=given.stratified)
    except ValueError as error:
        parser.error(str(error))
    given.output.mkdir(parents=True, exist_ok=True)
    for name, rows in splits.items():
        table = pa.Table.from_pylist([row._asdict() for row in rows], schema=_SCHEMA)
        pq.write_table(table, given.output / f"{name}.parquet")
    summary = {name: summary_of(rows) for name, rows in splits.items()}
    (given.output / "splits.json").write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n")
    print(json.dumps(summary, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
