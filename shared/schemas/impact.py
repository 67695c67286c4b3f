"""The impact of aspects on stars in the API."""

from datetime import date
from typing import Literal

from shared.schemas.documented import Documented
from shared.schemas.fields import ReviewsLink

ImpactScale = Literal["stars", "sentiment"]


class ImpactGroup(Documented):
    """Reviews that say the same of an aspect."""

    reviews: int
    """Number of these reviews among those that were compared."""
    mean: float | None
    """Mean of their stars, 1 to 5, or of their sentiment, -100 to 100: see ``scale``. Null if
    there are none."""


class Impact(Documented):
    """What an aspect costs or brings: the stars of reviews by what they say of it.

    A review that complains about the aspect in one sentence and praises it in another counts as
    both.
    """

    complaining: ImpactGroup
    """Reviews with a negative sentence about the aspect."""
    praising: ImpactGroup
    """Reviews with a positive sentence about the aspect."""
    not_mentioning: ImpactGroup
    """Reviews without a sentence about the aspect."""
    effect: float
    """How much a complaint about the aspect moves the outcome of a review, on the ``scale``, with
    everything else that it says held equal: a ridge regression over complaints and praise of all
    aspects of the answer, so it is nearer to zero where few reviews complain."""
    effect_low: float
    """Lower end of the interval of 95% around ``effect``."""
    effect_high: float
    """Upper end of the interval of 95% around ``effect``."""
    cost: float
    """What all complaints about the aspect add to the mean of the compared reviews: ``effect``
    times the share of reviews that complain. -0.4 means 0.4 stars less."""
    complaints_link: ReviewsLink
    """The reviews of ``complaining``; where reviews are compared by stars, also those without."""


class Compared(Documented):
    """The reviews that impacts are computed from."""

    scale: ImpactScale
    """``stars`` if at least half of these reviews have them; else ``sentiment``, where a negative
    review counts -100, a neutral one 0 and a positive one 100."""
    reviews: int
    """How many reviews are compared: the newest that were read for aspects and, by ``stars``,
    have them. Only the days that together have at most 5,000 reviews are taken."""
    mean: float | None
    """Mean outcome of them all, on the ``scale``. Null if there are none."""
    first_day: date | None
    """First day of the compared reviews, in UTC. Null if all of the product, category or shop are
    compared."""
