"""A labelled row of a public data set, and how its text is cleaned."""

import csv
import hashlib
import html
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from shared.schemas.review import model_text

csv.field_size_limit(1 << 24)
_TAG = re.compile(r"<[^<>]{1,200}>|\[\[VIDEOID:[^\]]*\]\]")
_SPACE = re.compile(r"\s+")


class Row(NamedTuple):
    """One labelled text; ``rating`` is None if the source has labels instead of stars.

    ``kind`` is "review" if the label is that of a review's stars, and "sentence" if it is what a
    sentence or phrase says. ``spans`` is a JSON list of [start, end, sentiment]: characters whose
    sentiment is known on its own.
    """

    text: str
    rating: float | None
    sentiment: str
    source: str
    product_id: str | None
    category: str | None = None
    reviewer_key: str | None = None
    kind: str = "review"
    spans: str | None = None


def reviewer_key(source: str, reviewer: str | None) -> str | None:
    """A pseudonym of a reviewer of a source: 16 hex digits."""
    name = (reviewer or "").strip()
    return hashlib.sha256(f"{source}:{name}".encode()).hexdigest()[:16] if name else None


def clean(text: str) -> str:
    """Text without tags and entities, on one line."""
    return _SPACE.sub(" ", _TAG.sub(" ", html.unescape(text.replace('\\"', '"')))).strip()


def join_title(title: str | None, text: str) -> str:
    """What a model reads of a review: as in serving, without a title that says only the stars."""
    title, text = clean(title or ""), clean(text)
    return text if text.startswith(title) else model_text(title, text)


def labelled_row(
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
    if text and clean(text) and 1 <= stars <= 5:
        label = "negative" if stars < 3 else "positive" if stars > 3 else "neutral"
        key = reviewer_key(source, reviewer)
        yield Row(join_title(title, text), stars, label, source, product, category or None, key)


def csv_rows(text: io.TextIOBase, delimiter: str = ",") -> Iterator[dict[str, str]]:
    """The rows of a CSV file by column."""
    yield from csv.DictReader(text, delimiter=delimiter)


def csv_file(path: Path, delimiter: str = ",") -> Iterator[dict[str, str]]:
    """The rows of a CSV file in UTF-8 by column."""
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv_rows(stream, delimiter)


def zipped_csv(path: Path) -> Iterator[dict[str, str]]:
    """The rows of the first CSV file in a zip."""
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if not n.startswith("__MACOSX"))
        with archive.open(name) as raw:
            yield from csv_rows(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""))
