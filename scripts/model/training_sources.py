"""Readers of the public review data sets, each in its own folder.

They are deliberately independent of the readers of collection, so that they do not share their
bugs.
"""

import csv
import gzip
import hashlib
import html
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

csv.field_size_limit(1 << 24)
_TAG = re.compile(r"<[^<>]{1,200}>|\[\[VIDEOID:[^\]]*\]\]")
_SPACE = re.compile(r"\s+")


class Row(NamedTuple):
    """One labelled text; ``rating`` is None if the source has labels instead of stars."""

    text: str
    rating: float | None
    sentiment: str
    source: str
    product_id: str | None
    category: str | None = None
    reviewer_key: str | None = None


def reviewer_key(source: str, reviewer: str | None) -> str | None:
    """A pseudonym of a reviewer of a source: 16 hex digits."""
    name = (reviewer or "").strip()
    return hashlib.sha256(f"{source}:{name}".encode()).hexdigest()[:16] if name else None


def _clean(text: str) -> str:
    return _SPACE.sub(" ", _TAG.sub(" ", html.unescape(text.replace('\\"', '"')))).strip()


def _join(title: str | None, text: str) -> str:
    title, text = _clean(title or ""), _clean(text)
    if not title or text.startswith(title):
        return text
    return f"{title} {text}" if title[-1] in ".!?…" else f"{title}. {text}"


def _labelled_row(
    title: str | None,
    text: str | None,
    rating: object,
    source: str,
    product: str | None,
    category: str | None = None,
    reviewer: str | None = None,
) -> Iterator[Row]:
    """Yield the row if it has a text and 1 to 5 stars."""
    try:
        stars = float(str(rating))
    except ValueError:
        return
    if text and _clean(text) and 1 <= stars <= 5:
        label = "negative" if stars < 3 else "positive" if stars > 3 else "neutral"
        key = reviewer_key(source, reviewer)
        yield Row(_join(title, text), stars, label, source, product, category or None, key)


def _amazon_json(lines: Iterable[str], source: str, category: str) -> Iterator[Row]:
    for line in lines:
        try:
            record = json.loads(line.strip().lstrip("[").rstrip(",]"))
        except json.JSONDecodeError:
            continue
        yield from _labelled_row(
            record.get("summary"),
            record.get("reviewText"),
            record["overall"],
            source,
            record["asin"],
            category,
            record.get("reviewerID"),
        )


def cellphones(folder: Path) -> Iterator[Row]:
    """Amazon Cell Phones 2014: one object per line, truncated at the end of the file."""
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
    """AWS digital software TSV, without quoting."""
    path = folder / "amazon-us-aws" / "amazon_reviews_us_Digital_Software.derived.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        names = next(lines).rstrip("\n").split("\t")
        for line in lines:
            row = dict(zip(names, line.rstrip("\n").split("\t"), strict=False))
            if row.get("review_body") not in (None, "None"):
                yield from _labelled_row(
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
            yield from _labelled_row(
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
            yield from _labelled_row(None, row["verified_reviews"], row["rating"], "alexa", None)


def datafiniti(folder: Path) -> Iterator[Row]:
    """Consumer electronics (1429_1) and Flipkart, CSV without products."""
    for name, source, column in (
        ("1429_1.csv", "datafiniti", "reviews"),
        ("flipkart.csv", "flipkart", "review"),
    ):
        with (folder / "datafiniti" / name).open(encoding="utf-8", newline="") as stream:
            for row in _csv_rows(stream):
                text = (row[column] or "").removesuffix("READ MORE")
                yield from _labelled_row(None, text, row["rating"], source, None)


def _zipped_csv(path: Path) -> Iterator[dict[str, str]]:
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if not n.startswith("__MACOSX"))
        with archive.open(name) as raw:
            yield from _csv_rows(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""))


def datafiniti_full(folder: Path) -> Iterator[Row]:
    """Datafiniti Amazon consumer reviews, zipped CSV of 24 columns."""
    for path in (folder / "datafiniti-full").glob("*.zip"):
        for row in _zipped_csv(path):
            yield from _labelled_row(
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
        yield from _labelled_row(
            row["Title"],
            row["Review Text"],
            row["Rating"],
            "womens-clothing",
            row["Clothing ID"],
            row["Department Name"],
        )


def polarity(folder: Path) -> Iterator[Row]:
    """Amazon polarity sample: the label is on the line after the text."""
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
    """DynaSent round 1 dev: balanced, only for evaluation."""
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
