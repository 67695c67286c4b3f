"""Read the public review data sets into the Parquet files that training and evaluation take.

    python scripts/prepare_training_data.py DATA_FOLDER OUTPUT_FOLDER [--leave-out SOURCE…]
        [--stratified]

DATA_FOLDER holds the data sets named in models/default/MODEL_CARD.md, each in its own folder. The
readers here are small and their own on purpose: they check the collection's readers rather than
share their faults. Each output has the columns text, rating, sentiment, source, product_id,
category and reviewer_key (a hash; who wrote a review is nobody's business here).

A text stands on one side only: rows are deduplicated by normalised text over all sources, texts of
the evaluation sets are removed from training, and the split is a hash of the product (of the text
where a source has no product). No chance is involved, so the same input gives the same files.

A hash alone leaves the sentiments of a source with few products uneven over the splits; with
--stratified each product goes where its sentiments are missing most. A source that is left out goes
whole into a split of its own, and no other split has a text of it.
"""

import argparse
import csv
import gzip
import hashlib
import html
import io
import json
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

csv.field_size_limit(1 << 24)
_TAG = re.compile(r"<[^<>]{1,200}>|\[\[VIDEOID:[^\]]*\]\]")
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"[^a-z0-9]+")


class Row(NamedTuple):
    """One labelled text; ``rating`` is None where the source gives a label, not stars."""

    text: str
    rating: float | None
    sentiment: str
    source: str
    product_id: str | None
    category: str | None = None
    reviewer_key: str | None = None


SPLITS = {"train": 224 / 256, "validation": 12 / 256, "test": 20 / 256}
"""Shares of the rows of a source."""
_SCHEMA = pa.schema(
    [(name, pa.float64() if name == "rating" else pa.string()) for name in Row._fields]
)


def _key(source: str, reviewer: str | None) -> str | None:
    """One reviewer of one source, without the name: 16 hex digits."""
    name = (reviewer or "").strip()
    return hashlib.sha256(f"{source}:{name}".encode()).hexdigest()[:16] if name else None


def _clean(text: str) -> str:
    return _SPACE.sub(" ", _TAG.sub(" ", html.unescape(text.replace('\\"', '"')))).strip()


def _joined(title: str | None, text: str) -> str:
    title, text = _clean(title or ""), _clean(text)
    if not title or text.startswith(title):
        return text
    return f"{title} {text}" if title[-1] in ".!?…" else f"{title}. {text}"


def _starred(
    title: str | None,
    text: str | None,
    rating: object,
    source: str,
    product: str | None,
    category: str | None = None,
    reviewer: str | None = None,
) -> Iterator[Row]:
    """Yield the row if it has a text and stars in 1..5."""
    try:
        stars = float(str(rating))
    except ValueError:
        return
    if text and _clean(text) and 1 <= stars <= 5:
        label = "negative" if stars < 3 else "positive" if stars > 3 else "neutral"
        who = _key(source, reviewer)
        yield Row(_joined(title, text), stars, label, source, product, category or None, who)


def _amazon_json(lines: Iterable[str], source: str, category: str) -> Iterator[Row]:
    for line in lines:
        try:
            record = json.loads(line.strip().lstrip("[").rstrip(",]"))
        except json.JSONDecodeError:
            continue
        yield from _starred(
            record.get("summary"),
            record.get("reviewText"),
            record["overall"],
            source,
            record["asin"],
            category,
            record.get("reviewerID"),
        )


def cellphones(folder: Path) -> Iterator[Row]:
    """Amazon Cell Phones 2014: one object a line, cut off at the end."""
    path = folder / "amazon-cellphones" / "Cell_Phones_and_Accessories_5.json"
    with path.open(encoding="utf-8") as lines:
        yield from _amazon_json(lines, "amazon-cellphones", "Cell Phones and Accessories")


def amazon2018(folder: Path) -> Iterator[Row]:
    """Amazon 2018 5-core files, gzipped JSON lines."""
    for path in sorted((folder / "amazon2018").glob("*.json.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            category = path.name.removesuffix("_5.json.gz").replace("_", " ")
            yield from _amazon_json(lines, "amazon2018", category)


def aws_software(folder: Path) -> Iterator[Row]:
    """AWS digital software TSV: no quoting at all."""
    path = folder / "amazon-us-aws" / "amazon_reviews_us_Digital_Software.derived.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        names = next(lines).rstrip("\n").split("\t")
        for line in lines:
            row = dict(zip(names, line.rstrip("\n").split("\t"), strict=False))
            if row.get("review_body") not in (None, "None"):
                yield from _starred(
                    row["review_headline"],
                    row["review_body"],
                    row["star_rating"],
                    "aws-software",
                    row["product_id"],
                    row["product_category"].replace("_", " "),
                    row["customer_id"],
                )


def multidomain(folder: Path) -> Iterator[Row]:
    """Multi-domain sentiment: blocks of pseudo-XML in Latin-1."""
    for path in sorted((folder / "multidomain").glob("*.review")):
        for block in path.read_text(encoding="latin-1").split("<review>")[1:]:
            field = dict(re.findall(r"<(\w+)>\n(.*?)\n</\1>", block, flags=re.DOTALL))
            yield from _starred(
                field.get("title"),
                field.get("review_text"),
                field.get("rating"),
                "multidomain",
                field.get("asin", "").strip(),
                path.name.split(".")[0],
                field.get("reviewer"),
            )


def _csv_rows(text: io.TextIOBase, delimiter: str = ",") -> Iterator[dict[str, str]]:
    yield from csv.DictReader(text, delimiter=delimiter)


def alexa(folder: Path) -> Iterator[Row]:
    """Amazon Alexa reviews, TSV."""
    path = folder / "alexa" / "amazon_alexa.tsv"
    with path.open(encoding="utf-8", newline="") as stream:
        for row in _csv_rows(stream, "\t"):
            yield from _starred(None, row["verified_reviews"], row["rating"], "alexa", None)


def datafiniti(folder: Path) -> Iterator[Row]:
    """Consumer electronics (1429_1) and Flipkart, CSV without products."""
    for name, source, column in (
        ("1429_1.csv", "datafiniti", "reviews"),
        ("flipkart.csv", "flipkart", "review"),
    ):
        with (folder / "datafiniti" / name).open(encoding="utf-8", newline="") as stream:
            for row in _csv_rows(stream):
                text = (row[column] or "").removesuffix("READ MORE")
                yield from _starred(None, text, row["rating"], source, None)


def _zipped_csv(path: Path) -> Iterator[dict[str, str]]:
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if not n.startswith("__MACOSX"))
        with archive.open(name) as raw:
            yield from _csv_rows(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""))


def datafiniti_full(folder: Path) -> Iterator[Row]:
    """Datafiniti Amazon consumer reviews, zipped CSV of 24 columns."""
    for path in (folder / "datafiniti-full").glob("*.zip"):
        for row in _zipped_csv(path):
            yield from _starred(
                row["reviews.title"],
                row["reviews.text"],
                row["reviews.rating"],
                "datafiniti-full",
                row["asins"],
                row["primaryCategories"],
                row["reviews.username"],
            )


def clothing(folder: Path) -> Iterator[Row]:
    """Women's clothing reviews, zipped CSV."""
    for row in _zipped_csv(folder / "womens-clothing" / "womens_clothing.zip"):
        yield from _starred(
            row["Title"],
            row["Review Text"],
            row["Rating"],
            "womens-clothing",
            row["Clothing ID"],
            row["Department Name"],
        )


def polarity(folder: Path) -> Iterator[Row]:
    """Amazon polarity sample: the label stands on the line after its text."""
    text = (folder / "amazon-polarity" / "amazon_reviews.csv").read_text(encoding="utf-8")
    parts = re.split(r"\n,([12])", text.removeprefix("review,sentiment"))
    for body, label in zip(parts[::2], parts[1::2], strict=False):
        if body.strip():
            yield Row(
                _clean(body),
                None,
                "positive" if label == "2" else "negative",
                "amazon-polarity",
                None,
            )


def sst(folder: Path) -> Iterator[Row]:
    """Stanford Sentiment Treebank, five classes, training part."""
    with (folder / "sst" / "stsa.fine.train").open(encoding="utf-8") as lines:
        for line in lines:
            label, text = line.split(" ", 1)
            name = ("negative", "negative", "neutral", "positive", "positive")[int(label)]
            yield Row(_clean(text), None, name, "sst", None)


def dynasent(folder: Path) -> Iterator[Row]:
    """DynaSent round 1 dev: balanced, for evaluation alone."""
    for path in (folder / "dynasent").glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            yield Row(_clean(record["sentence"]), None, record["gold_label"], "dynasent", None)


TRAINED: tuple[Callable[[Path], Iterator[Row]], ...] = (
    multidomain,
    clothing,
    amazon2018,
    datafiniti_full,
    datafiniti,
    alexa,
    aws_software,
    polarity,
    sst,
)
HELD_OUT: tuple[Callable[[Path], Iterator[Row]], ...] = (cellphones, dynasent)


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
