"""Convert the public review data sets to the Parquet files of training and evaluation.

    python scripts/model/prepare_training_data.py DATA_FOLDER OUTPUT_FOLDER [--leave-out SOURCE…]
        [--stratified]

DATA_FOLDER contains the data sets named in models/default/MODEL_CARD.md, each in its own folder.
Each output has the columns text, rating, sentiment, source, product_id, category, reviewer_key
(a hash instead of the reviewer's name), kind (review or sentence) and spans (parts of the text
with their own sentiment). Validation and test contain reviews; sentences.parquet contains the
sentences that are not trained on.

A text occurs in one split only: rows are deduplicated by normalised text over all sources, texts of
the evaluation sets are removed from training, and the split is a hash of the product (of the text
if a source has no products). Nothing is random, so the same input produces the same files.

A hash alone distributes the sentiments of a source with few products unevenly over the splits; with
--stratified each product goes to the split that lacks its sentiments most. With --leave-out a
source becomes a separate split, and no other split contains its texts.
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
from sources import HELD_OUT, TRAINED, Row

_WORD = re.compile(r"[^a-z0-9]+")
SPLITS = {"train": 224 / 256, "validation": 12 / 256, "test": 20 / 256}
"""Shares of the rows of a source."""
_SCHEMA = pa.schema(
    [(name, pa.float64() if name == "rating" else pa.string()) for name in Row._fields]
)


def text_key(text: str) -> str:
    """Normalised text: lower case, only letters and digits."""
    return _WORD.sub(" ", text.lower()).strip()


def _unit(row: Row) -> str:
    """The unit that must not be split: the product, or the text if there is no product."""
    return f"{row.source}:{row.product_id or text_key(row.text)}"


def split_of(row: Row) -> str:
    """train, validation or test, by a hash of the product (or the text, without a product)."""
    bucket = hashlib.sha256(_unit(row).encode()).digest()[0]
    return "test" if bucket < 20 else "validation" if bucket < 32 else "train"


def stratified(rows: list[Row]) -> dict[str, list[Row]]:
    """Splits in which each source has the same mix of sentiments as in all its rows.

    Products are assigned in the order of their hash, each to the split that is furthest behind in
    the product's sentiments (after Sechidis, Tsoumakas, Vlahavas 2011); a product that exceeds the
    size of a split goes to another one.
    """
    units: dict[str, list[Row]] = {}
    for row in rows:
        units.setdefault(_unit(row), []).append(row)
    totals = Counter((row.source, row.sentiment) for row in rows)
    source_sizes = Counter(row.source for row in rows)
    assigned: Counter[tuple[str, str]] = Counter()
    counts: dict[str, Counter[tuple[str, str]]] = {split: Counter() for split in SPLITS}
    splits: dict[str, list[Row]] = {split: [] for split in SPLITS}

    def deficit(split: str, sentiments: Counter[tuple[str, str]]) -> float:
        return sum(
            count / totals[key] * (assigned[key] - counts[split][key] / SPLITS[split]) / totals[key]
            for key, count in sentiments.items()
        )

    def fits(split: str, source: str, size: int) -> bool:
        present = sum(count for (name, _), count in counts[split].items() if name == source)
        return split == "train" or present + size <= SPLITS[split] * source_sizes[source]

    for unit in sorted(units, key=lambda unit: hashlib.sha256(unit.encode()).digest()):
        source, size = units[unit][0].source, len(units[unit])
        sentiments = Counter((source, row.sentiment) for row in units[unit])
        assigned.update(sentiments)
        candidates = [split for split in SPLITS if fits(split, source, size)]
        split = max(candidates, key=lambda split: deficit(split, sentiments))
        counts[split].update(sentiments)
        splits[split] += units[unit]
    return splits


def prepare(
    folder: Path, leave_out: Sequence[str] = (), *, balanced: bool = False
) -> dict[str, list[Row]]:
    """All splits by name; every normalised text occurs once over train, validation and test.

    Args:
        folder: folder of the data sets.
        leave_out: sources that become a separate split; no other split contains their texts.
        balanced: whether to stratify the splits by sentiment.

    Raises:
        ValueError: a source to leave out does not exist.
    """
    held_out = {reader.__name__: list(reader(folder)) for reader in HELD_OUT}
    held_out |= {source: [] for source in leave_out}
    pool: list[Row] = []
    for reader in TRAINED:
        for row in reader(folder):
            (held_out[row.source] if row.source in leave_out else pool).append(row)
    if missing := [source for source in leave_out if not held_out[source]]:
        known = sorted({row.source for row in pool})
        message = f"--leave-out: no source {', '.join(missing)}; there are {', '.join(known)}"
        raise ValueError(message)
    for source in leave_out:
        held_out[source] = _deduplicate(held_out[source], set())
    rows = _deduplicate(pool, {text_key(row.text) for rows in held_out.values() for row in rows})
    if balanced:
        splits = stratified(rows)
    else:
        splits = {split: [] for split in SPLITS}
        for row in rows:
            splits[split_of(row)].append(row)
    return {**_without_sentences(splits), **held_out}


def _without_sentences(splits: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Validation and test with reviews only, and a split of their sentences.

    Validation calibrates probabilities for the natural mix of stars.
    """
    sentences: list[Row] = []
    for split in ("validation", "test"):
        sentences += [row for row in splits[split] if row.kind == "sentence"]
        splits[split] = [row for row in splits[split] if row.kind != "sentence"]
    return {**splits, "sentences": sentences} if sentences else splits


def _deduplicate(rows: Iterable[Row], keys: set[str]) -> list[Row]:
    """The rows whose text key is not yet in ``keys``, to which theirs are added."""
    unique = []
    for row in rows:
        key = text_key(row.text)
        if key and key not in keys:
            keys.add(key)
            unique.append(row)
    return unique


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
    """Write one Parquet file per split, and splits.json with counts and hashes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("output", type=Path, help="folder for the Parquet files and splits.json")
    parser.add_argument(
        "--leave-out", nargs="+", default=[], metavar="SOURCE", help="only in <source>.parquet"
    )
    parser.add_argument(
        "--stratified", action="store_true", help="distribute the sentiments of a source evenly"
    )
    options = parser.parse_args(argv)
    try:
        splits = prepare(options.data, options.leave_out, balanced=options.stratified)
    except ValueError as error:
        parser.error(str(error))
    options.output.mkdir(parents=True, exist_ok=True)
    for name, rows in splits.items():
        table = pa.Table.from_pylist([row._asdict() for row in rows], schema=_SCHEMA)
        pq.write_table(table, options.output / f"{name}.parquet")
    summary = {name: summary_of(rows) for name, rows in splits.items()}
    (options.output / "splits.json").write_text(
        json.dumps(summary, indent=1, sort_keys=True) + "\n"
    )
    print(json.dumps(summary, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
