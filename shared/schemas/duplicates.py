"""The wire contract of GET /duplicates."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

DuplicateKind = Literal["exact", "near"]


class DuplicateGroup(BaseModel):
    """Reviews with the same text (``exact``), or nearly the same (``near``).

    ``text`` is the text of one of them, up to 1,000 characters; ``review_ids`` are up to 20.
    ``reviewers`` counts distinct known reviewers.
    """

    kind: DuplicateKind
    text: str | None
    reviews: int
    products: int
    reviewers: int
    first_day: date | None
    last_day: date | None
    review_ids: list[str]


class DuplicatePage(BaseModel):
    """Largest groups first; ``next_cursor`` requests the following page.

    ``warnings`` say that stored reviews are missing, as after an upgrade.
    """

    groups: list[DuplicateGroup]
    next_cursor: str | None
    warnings: list[str] = Field(default_factory=list)
