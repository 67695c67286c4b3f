"""What aspects cost in stars, from the newest reviews of a product, a category or all."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from lambdas.insights.figures import reviews_link
from lambdas.insights.ridge import Effect, effects
from lambdas.insights.windows import newest_that_fit
from shared.db.aspects.impact import MAX_REVIEWS, ImpactQueries
from shared.db.connection import Database
from shared.db.insights.reviews import ReviewFilters
from shared.db.insights.trends import TrendFilters, TrendQueries
from shared.schemas.impact import Compared, Impact, ImpactGroup, ImpactScale

_MIN_RATED_SHARE = 0.5


class Impacts(NamedTuple):
    """The impact of each aspect, and the reviews that it is computed from."""

    compared: Compared
    by_aspect: dict[str, Impact]


class _Review(NamedTuple):
    outcome: float
    said: Mapping[int, tuple[bool, bool]]
    """Position of an aspect to whether it complains about it and whether it praises it."""


class ImpactReader:
    """Computes the impact of aspects."""

    def __init__(self, database: Database) -> None:
        self._impact = ImpactQueries(database)
        self._trends = TrendQueries(database)

    def read(self, product_id: str | None, category: str | None, aspects: Sequence[str]) -> Impacts:
        """Compute the impact of aspects on the newest reviews.

        Args:
            product_id: only reviews of this product.
            category: only reviews of this category.
            aspects: k aspects; the effect of each is estimated with all others held equal.
        """
        scope = TrendFilters(product_id, category)
        filters = newest_that_fit(scope, self._trends.days(scope), MAX_REVIEWS)
        rows = self._impact.reviews(filters, aspects)
        rated = sum(row["rating"] is not None for row in rows)
        scale: ImpactScale = (
            "stars" if rated >= _MIN_RATED_SHARE * max(1, len(rows)) else "sentiment"
        )
        reviews = list(_outcomes(rows, scale))
        estimated = _estimate(reviews, len(aspects))
        everything, tallies = _tally(reviews, len(aspects))
        compared = Compared(
            scale=scale,
            reviews=everything.reviews,
            mean=everything.opinions().mean,
            first_day=filters.first_day,
        )
        impacts = {
            aspect: _build_impact(aspect, everything, tallies[number], estimated[number], filters)
            for number, aspect in enumerate(aspects)
        }
        return Impacts(compared, impacts)


def _outcomes(rows: Iterable[Mapping[str, Any]], scale: ImpactScale) -> Iterable[_Review]:
    for row in rows:
        outcome = row["rating"] if scale == "stars" else 100.0 * row["mood"]
        if outcome is not None:
            columns = (row[name] or () for name in ("numbers", "complains", "praises"))
            said = {number: (bad, good) for number, bad, good in zip(*columns, strict=True)}
            yield _Review(float(outcome), said)


def _estimate(reviews: Sequence[_Review], aspects: int) -> list[Effect]:
    """The effect of a complaint about each aspect; praise of it is a feature of its own."""
    features = [
        [
            2 * number + is_praise
            for number, opinions in review.said.items()
            for is_praise in (0, 1)
            if opinions[is_praise]
        ]
        for review in reviews
    ]
    outcomes = [review.outcome for review in reviews]
    return effects(features, outcomes, 2 * aspects)[::2]


class _Tally:
    """Counts reviews and adds up their outcomes."""

    def __init__(self) -> None:
        self.reviews, self.total = 0, 0.0

    def add(self, outcome: float) -> None:
        self.reviews += 1
        self.total += outcome

    def opinions(self) -> ImpactGroup:
        mean = self.total / self.reviews if self.reviews else None
        return ImpactGroup(reviews=self.reviews, mean=mean)

    def without(self, other: "_Tally") -> ImpactGroup:
        rest = _Tally()
        rest.reviews, rest.total = self.reviews - other.reviews, self.total - other.total
        return rest.opinions()


_Tallies = tuple[_Tally, _Tally, _Tally]


def _tally(reviews: Iterable[_Review], aspects: int) -> tuple[_Tally, list[_Tallies]]:
    """Tallies of all reviews; and of each aspect: complaining, praising and mentioning ones."""
    everything, of_aspects = _Tally(), [(_Tally(), _Tally(), _Tally()) for _ in range(aspects)]
    for review in reviews:
        everything.add(review.outcome)
        for number, (complains, praises) in review.said.items():
            said = zip(of_aspects[number], (complains, praises, True), strict=True)
            for tally, counts in said:
                if counts:
                    tally.add(review.outcome)
    return everything, of_aspects


def _build_impact(
    aspect: str,
    everything: _Tally,
    tallies: _Tallies,
    effect: Effect,
    filters: ReviewFilters,
) -> Impact:
    complaining, praising, mentioning = tallies
    share = complaining.reviews / everything.reviews if everything.reviews else 0.0
    return Impact(
        complaining=complaining.opinions(),
        praising=praising.opinions(),
        not_mentioning=everything.without(mentioning),
        effect=effect.value,
        effect_low=effect.low,
        effect_high=effect.high,
        cost=effect.value * share,
        complaints_link=reviews_link(
            product_id=filters.product_id,
            category=filters.category,
            aspect=aspect,
            aspect_sentiment="negative",
            first_day=filters.first_day,
        ),
    )
