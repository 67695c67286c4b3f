"""What matters first: how things are, what changed, what it costs and what waits."""

from collections.abc import Iterable
from datetime import date

from lambdas.insights.aspects import AspectReader
from lambdas.insights.causes import CauseReader
from lambdas.insights.figures import build_figures, read_freshness, reviews_link
from lambdas.insights.impact import ImpactReader
from lambdas.insights.products import ProductReader
from shared.db.aspects.queries import AspectQueries
from shared.db.connection import Database
from shared.db.ingest.unfinished import count_failed_shards, read_backlog
from shared.db.insights.products import ProductQueries
from shared.db.insights.trends import DaySums, TrendFilters, TrendQueries
from shared.schemas.aspects import Aspect
from shared.schemas.insights import Direction, Mover
from shared.schemas.overview import ExplainedMover, Overview, Period, Waiting

_MAX_MOVERS = 5
_MAX_TESTED_MOVERS = 200
"""The most certain ones; the newest of them are shown."""
_MAX_ASPECTS = 5
_ASPECT_CANDIDATES = 100
_MIN_ASPECT_REVIEWS = 3


class OverviewReader:
    """Answers /overview."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._trends = TrendQueries(database)
        self._products = ProductReader(
            ProductQueries(database), self._trends, CauseReader(database)
        )
        self._aspects = AspectReader(AspectQueries(database), ImpactReader(database))

    def overview(self, category: str | None, days: int) -> Overview:
        """Read the overview of all products or of a category.

        Args:
            category: only products of this category; empty: those without one.
            days: length of the periods that are compared.
        """
        freshness = read_freshness(self._trends)
        now, before = self._periods(category, days)
        tested, worse = self._movers(category, "worse")
        _, better = self._movers(category, "better")
        listed = self._aspects.aspects(
            None, category, _ASPECT_CANDIDATES, _MIN_ASPECT_REVIEWS, impact=True
        )
        return Overview(
            freshness=freshness,
            days=days,
            now=now,
            before=before,
            worse=worse,
            better=better,
            products_tested=tested,
            compared=listed.compared,
            aspects=_most_costly(listed.aspects),
            waiting=self._waiting(),
        )

    def _periods(self, category: str | None, days: int) -> tuple[Period | None, Period | None]:
        dated = [row for row in self._trends.days(TrendFilters(category=category)) if row.day]
        if not dated or dated[-1].day is None:
            return None, None
        last = dated[-1].day.toordinal()
        return (
            _period(dated, category, last - days + 1, last),
            _period(dated, category, last - 2 * days + 1, last - days),
        )

    def _movers(
        self, category: str | None, direction: Direction
    ) -> tuple[int, list[ExplainedMover]]:
        movers = self._products.movers(category, direction, _MAX_TESTED_MOVERS, None)
        newest = sorted(movers.movers, key=lambda mover: mover.change.day, reverse=True)
        return movers.products_tested, [self._explained(mover) for mover in newest[:_MAX_MOVERS]]

    def _explained(self, mover: Mover) -> ExplainedMover:
        explanation = self._products.explain(mover.product_id)
        causes = explanation.causes if explanation else []
        return ExplainedMover(**mover.model_dump(), cause=causes[0] if causes else None)

    def _waiting(self) -> Waiting:
        backlog = read_backlog(self._database)
        shards, ingests = count_failed_shards(self._database)
        return Waiting(
            ingests=backlog.ingests,
            reviews=backlog.reviews,
            failed_shards=shards,
            failed_ingests=ingests,
        )


def _period(rows: Iterable[DaySums], category: str | None, first: int, last: int) -> Period:
    """Figures of the days with these ordinals; a period ends where the calendar does."""
    first_day, last_day = (date.fromordinal(max(1, day)) for day in (first, last))
    inside = [row[1:] for row in rows if row.day and first_day <= row.day <= last_day]
    sums = [sum(column) for column in zip(*inside, strict=True)] if inside else [0] * 7
    return Period(
        first_day=first_day,
        last_day=last_day,
        reviews_link=reviews_link(category=category, first_day=first_day, last_day=last_day),
        **build_figures(*sums),
    )


def _most_costly(aspects: Iterable[Aspect]) -> list[Aspect]:
    """The aspects with the largest cost, of those where the interval leaves no doubt of one."""
    costly = [each for each in aspects if each.impact and each.impact.effect_high < 0]
    return sorted(costly, key=_cost)[:_MAX_ASPECTS]


def _cost(aspect: Aspect) -> tuple[float, str]:
    return aspect.impact.cost if aspect.impact else 0.0, aspect.aspect
