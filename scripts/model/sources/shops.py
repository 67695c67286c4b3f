"""Readers of further data sets of reviews with stars."""

import csv
from collections.abc import Iterator
from pathlib import Path

from sources.rows import Row, csv_file, labelled_row


def earphones(folder: Path) -> Iterator[Row]:
    """Earphones on Amazon.in, CSV."""
    for row in csv_file(folder / "earphones" / "AllProductReviews.csv"):
        yield from labelled_row(
            row["ReviewTitle"], row["text"], row["ReviewStar"], "earphones", row["Product"]
        )


def kindle_devices(folder: Path) -> Iterator[Row]:
    """Kindle devices: a CSV in the first column of another one, most rows quoted twice."""
    path = folder / "kindle-devices" / "items.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        next(stream)
        for line in stream:
            inner = line.rstrip("\r\n").rstrip(";")
            if inner.startswith('"') and inner.endswith('"'):
                inner = inner[1:-1].replace('""', '"')
            fields = next(csv.reader([inner]), [])
            if len(fields) >= 3:
                stars, text, title = fields[0], ",".join(fields[1:-1]), fields[-1]
                yield from labelled_row(title, text, stars.split(" ")[0], "kindle-devices", None)


def kindle_books(folder: Path) -> Iterator[Row]:
    """Amazon Kindle books, CSV."""
    for row in csv_file(folder / "kindle-books" / "kindle_reviews.csv"):
        yield from labelled_row(
            row["summary"], row["reviewText"], row["overall"], "kindle-books", row["asin"]
        )


def restaurants(folder: Path) -> Iterator[Row]:
    """Restaurant reviews, CSV; a rating that is a word has no row."""
    for row in csv_file(folder / "restaurants" / "restaurant_reviews.csv"):
        yield from labelled_row(
            None, row["Review"], row["Rating"], "restaurants", row["Restaurant"]
        )


def grocery(folder: Path) -> Iterator[Row]:
    """Grocery and care on Amazon.in, CSV."""
    for row in csv_file(folder / "grocery-care" / "amazon_vfl_reviews.csv"):
        yield from labelled_row(None, row["review"], row["rating"], "grocery-care", row["asin"])


def medicines(folder: Path) -> Iterator[Row]:
    """Medicines, TSV: ratings of 1 to 10 become 0.5 to 5 stars, 5 and 6 of ten are neutral."""
    for row in csv_file(folder / "medicines" / "drugLibTrain_raw.tsv", "\t"):
        parts = (row["benefitsReview"], row["sideEffectsReview"], row["commentsReview"])
        stars = min(5.0, max(1.0, (int(row["rating"]) + 1) // 2))
        yield from labelled_row(
            None, " ".join(filter(None, parts)), stars, "medicines", row["urlDrugName"]
        )
