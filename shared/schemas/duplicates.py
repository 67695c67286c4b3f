"""The wire contract of GET /duplicates."""

from datetime import date
from typing import Literal

from pydantic import Field

from shared.schemas.documented import Documented
from shared.schemas.fields import NextCursor

DuplicateKind = Literal["exact", "near"]


class DuplicateGroup(Documented):
    """Reviews with the same text, or nearly the same."""

    kind: DuplicateKind
    """``exact``: the same text of eight words or more, ignoring case and punctuation. ``near``: 15
    words or more, with 70% of the sequences of three words in common."""
    text: str | None
    """Beginning of the text of one of them, up to 1,000 characters. Null if it was just
    deleted."""
    reviews: int
    """Number of reviews in the group, at least 2; the groups are ordered by it."""
    products: int
    """Number of different products that they are about."""
    reviewers: int
    """Number of different reviewers, as far as dumps name them."""
    first_day: date | None
    """Day of the oldest of them, in UTC. Null if none has a date."""
    last_day: date | None
    """Day of the newest of them, in UTC. Null if none has a date."""
    review_ids: list[str]
    """Ids of up to 20 of them."""


class DuplicatePage(Documented):
    """Groups of copied reviews."""

    groups: list[DuplicateGroup]
    """The largest groups first."""
    next_cursor: NextCursor
    warnings: list[str] = Field(default_factory=list)
    """Say how many stored reviews are missing, as after an upgrade. Empty if none are."""
