"""The causes of a change in the API."""

from datetime import date

from shared.schemas.documented import Documented
from shared.schemas.quotes import Quote


class Cause(Documented):
    """An aspect that explains a change: more reviews complain about it since, or fewer."""

    aspect: str
    """The subject as one or several words in lower case, such as ``hinge``."""
    complaints_before: int
    """Number of the compared reviews before the change with a negative sentence about it."""
    complaints_after: int
    """Number of the compared reviews since the change with a negative sentence about it."""
    share_before: float
    """``complaints_before`` as a share of all compared reviews before the change, 0 to 1."""
    share_after: float
    """``complaints_after`` as a share of all compared reviews since the change, 0 to 1."""
    p_value: float
    """How often chance alone makes the shares differ so much in this direction, 0 to 1 (Fisher's
    exact test)."""
    q_value: float
    """The p-value corrected for ``aspects_tested`` (Benjamini-Hochberg); at most 0.05."""
    quotes_before: list[Quote]
    """Up to three sentences about it from before the change, the most certain first: praise if
    there is any, where the change is for the worse, else complaints. Empty if no review
    mentions it."""
    quotes_after: list[Quote]
    """Up to three sentences about it since the change, the most certain first: complaints where
    the change is for the worse, else praise if there is any."""
    reviews_link: str
    """Path and query of ``GET /reviews`` that list the reviews of ``complaints_after``; of
    ``complaints_before`` where the change is for the better."""


class Explanation(Documented):
    """What explains a change: the aspects whose share of complaints changed most with it."""

    first_day: date
    """First day of the compared reviews, in UTC."""
    last_day: date
    """Last day of the compared reviews, in UTC."""
    reviews_before: int
    """Number of reviews before the change that are compared: those in English of the days next to
    it, at most 2,000."""
    reviews_after: int
    """Number of reviews since the change that are compared, at most 2,000."""
    aspects_tested: int
    """How many aspects at least three of the compared reviews complain about."""
    causes: list[Cause]
    """At most five aspects, those whose share of complaints changed most first. Empty if none
    changed by more than chance explains."""
