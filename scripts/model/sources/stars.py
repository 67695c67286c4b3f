"""Readers of the data sets of reviews with stars that the first models were trained on.

They are deliberately independent of the readers of collection, so that they do not share their
bugs.
"""

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sources.rows import Row, clean, csv_file, labelled_row, zipped_csv


def _amazon_json(lines: Iterable[str], source: str, category: str) -> Iterator[Row]:
    for line in lines:
        try:
            record = json.loads(line.strip().lstrip("[").rstrip(",]"))
        except json.JSONDecodeError:
            continue
        yield from labelled_row(
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
                yield from labelled_row(
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
            yield from labelled_row(
                field.get("title"),
                field.get("review_text"),
                field.get("rating"),
                "multidomain",
                field.get("asin", "").strip(),
                path.name.split(".")[0],
                field.get("reviewer"),
            )


def alexa(folder: Path) -> Iterator[Row]:
    """Amazon Alexa reviews, TSV."""
    for row in csv_file(folder / "alexa" / "amazon_alexa.tsv", "\t"):
        yield from labelled_row(None, row["verified_reviews"], row["rating"], "alexa", None)


def datafiniti(folder: Path) -> Iterator[Row]:
    """Consumer electronics (1429_1) and Flipkart, CSV without products."""
    for name, source, column in (
        ("1429_1.csv", "datafiniti", "reviews"),
        ("flipkart.csv", "flipkart", "review"),
    ):
        for row in csv_file(folder / "datafiniti" / name):
            text = (row[column] or "").removesuffix("READ MORE")
            yield from labelled_row(None, text, row["rating"], source, None)


def datafiniti_full(folder: Path) -> Iterator[Row]:
    """Datafiniti Amazon consumer reviews, zipped CSV of 24 columns."""
    for path in (folder / "datafiniti-full").glob("*.zip"):
        for row in zipped_csv(path):
            yield from labelled_row(
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
    for row in zipped_csv(folder / "womens-clothing" / "womens_clothing.zip"):
        yield from labelled_row(
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
                clean(body),
                None,
                "positive" if label == "2" else "negative",
                "amazon-polarity",
                None,
            )
