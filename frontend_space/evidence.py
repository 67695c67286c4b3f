"""Addresses of the page that show the reviews behind a figure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from frontend_space import markup

PERIODS = [("30 days", "30"), ("90 days", "90"), ("a year", "365")]
DEFAULT_PERIOD = "90"
_MAX_CHARACTERS = 512
_REVIEWS = re.compile(r"/reviews(\?|$)")


@dataclass(frozen=True, slots=True)
class Place:
    """What the address of the page says: choices, and the reviews that a figure links to."""

    category: str = ""
    days: str = DEFAULT_PERIOD
    evidence: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Read the query of the address; what is not valid is left at its default."""
        days = query.get("days", DEFAULT_PERIOD)
        return cls(
            query.get("category", "")[:_MAX_CHARACTERS],
            days if days in {value for _, value in PERIODS} else DEFAULT_PERIOD,
            query.get("evidence", ""),
        )

    def link(self, evidence: str) -> str:
        """The address of the page with the reviews behind a figure."""
        choices = {"category": self.category, "days": self.days, "evidence": evidence}
        return "?" + urlencode({name: value for name, value in choices.items() if value})


def linked(text: str, reviews_link: str, place: Place) -> str:
    """A figure as a link to its reviews; no other address of an answer becomes a link."""
    if not _REVIEWS.match(reviews_link):
        return markup.safe(text)
    return f'<a href="{markup.safe(place.link(reviews_link))}">{markup.safe(text)}</a>'
