"""The clean review: one row of a clean shard and of the table ``reviews``."""

from datetime import datetime
from typing import NamedTuple


class CleanReview(NamedTuple):
    """One accepted row, in the column order of clean shards and of the table ``reviews``.

    A tuple, not a pydantic model: collection makes tens of thousands of these a second, and every
    field has been checked by the parser that made it.
    """

    review_id: str
    """Source's id with its source as prefix, or ``h:`` and a stable hash of the content."""
    record: int
    """1-based position among the records of the file."""
    source: str
    """Family of the dump: amazon2014, amazon2018, amazon2023, aws-tsv, multidomain, mapped."""
    product_id: str | None
    product_title: str | None
    category: str | None
    reviewer_key: str | None
    """Keyed hash (HMAC-SHA-256) of the reviewer's identity, 32 hex digits."""
    rating: float | None
    """Stars, 1..5; None where the dump has none."""
    title: str | None
    text: str
    """Cleaned: NFC, no markup, no control characters, single spaces."""
    original_text: str | None
    """What the dump said, None where cleaning changed nothing."""
    reviewed_at: datetime | None
    """UTC."""
    verified: bool | None
    helpful_votes: int | None


def model_text(title: str | None, text: str) -> str:
    """The string that the encoder reads for a review: ``title. text``, or the text alone."""
    if not title:
        return text
    return f"{title} {text}" if title[-1] in ".!?…" else f"{title}. {text}"
