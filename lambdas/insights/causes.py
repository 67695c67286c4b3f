"""What explains a change: the aspects that more reviews complain about since, or fewer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from lambdas.insights.aspect_names import drop_parts_of_phrases, is_product_name
from lambdas.insights.figures import reviews_link
from lambdas.insights.quotes import first_quotes
from lambdas.insights.windows import last_that_fits
from shared.db.aspects.causes import MAX_REVIEWS_PER_SIDE, CauseQueries
from shared.db.aspects.queries import AspectQueries
from shared.db.connection import Database
from shared.db.insights.reviews import ReviewFilters
from shared.db.insights.trends import DaySums, TrendFilters
from shared.schemas.causes import Cause, Explanation
from shared.statistics.change_points import ChangePoint
from shared.statistics.false_discovery import q_values
from shared.statistics.hypergeometric import tail

_MAX_CAUSES = 5
_MAX_FALSE_DISCOVERY_RATE = 0.05


class CauseReader:
    """Explains changes."""

    def __init__(self, database: Database) -> None:
        self._causes = CauseQueries(database)
        self._aspects = AspectQueries(database)

    def explain(
        self, filters: TrendFilters, point: ChangePoint, days: Sequence[DaySums]
    ) -> Explanation | None:
        """Find the aspects whose share of complaints changed most with a change.

        Args:
            filters: the reviews in which the change was found.
            point: the change.
            days: their days with reviews, in order.

        Returns:
            None if nothing was read on one of the sides of the change.
        """
        before, after = _sides(filters, point, days)
        rows = self._causes.compare(before, after)
        read = next((row for row in rows if not row["aspect"]), None)
        if read is None or not read["reviews_before"] or not read["reviews_after"]:
            return None
        title = None
        if filters.product_id is not None:
            product = self._aspects.find_product(filters.product_id, None)
            title = product.title if product else None
        named = [row for row in rows if row["aspect"] and not is_product_name(row["aspect"], title)]
        found = _find(named, read, is_worse=point.is_worse)
        names = [row["aspect"] for row in found]
        quotes = self._causes.quotes(before, after, names, is_worse=point.is_worse) if names else []
        return Explanation(
            first_day=before.first_day,
            last_day=after.last_day,
            reviews_before=read["reviews_before"],
            reviews_after=read["reviews_after"],
            aspects_tested=len(named),
            causes=[
                _build_cause(row, read, quotes, after if point.is_worse else before)
                for row in found
            ],
        )


def _sides(
    filters: TrendFilters, point: ChangePoint, days: Sequence[DaySums]
) -> tuple[ReviewFilters, ReviewFilters]:
    """The reviews to compare: whole days next to the change, as many as fit."""
    all_reviews = ReviewFilters(
        product_id=filters.product_id, category=filters.category, source=filters.source
    )
    earlier = [row for row in days if row.day is not None and row.day < point.day]
    later = [row for row in days if row.day is not None and row.day >= point.day]
    return (
        replace(
            all_reviews,
            first_day=last_that_fits(reversed(earlier), MAX_REVIEWS_PER_SIDE),
            last_day=point.day - timedelta(days=1),
        ),
        replace(
            all_reviews, first_day=point.day, last_day=last_that_fits(later, MAX_REVIEWS_PER_SIDE)
        ),
    )


def _find(
    rows: list[dict[str, Any]], read: Mapping[str, Any], *, is_worse: bool
) -> list[dict[str, Any]]:
    """The aspects whose share of complaints changed by more than chance, the most first."""
    tested = sorted((_test(row, read, is_worse=is_worse) for row in rows), key=_by_p_value)
    corrected = q_values([row["p_value"] for row in tested], len(tested))
    sure = [
        row | {"q_value": q_value}
        for row, q_value in zip(tested, corrected, strict=True)
        if q_value <= _MAX_FALSE_DISCOVERY_RATE
    ]
    whole = drop_parts_of_phrases(sure, "complaints_after" if is_worse else "complaints_before")
    return sorted(whole, key=lambda row: (-row["moved"], *_by_p_value(row)))[:_MAX_CAUSES]


def _by_p_value(row: Mapping[str, Any]) -> tuple[float, str]:
    return row["p_value"], row["aspect"]


def _test(row: dict[str, Any], read: Mapping[str, Any], *, is_worse: bool) -> dict[str, Any]:
    """Fisher's exact test, of the direction of the change only."""
    before, after = read["reviews_before"], read["reviews_after"]
    complaints = row["complaints_before"] + row["complaints_after"]
    moved = row["complaints_after"] / after - row["complaints_before"] / before
    moved = moved if is_worse else -moved
    p_value = 1.0
    if moved > 0:
        p_value = tail(before + after, complaints, after, row["complaints_after"])
    return row | {"p_value": p_value, "moved": moved}


def _build_cause(
    row: Mapping[str, Any],
    read: Mapping[str, Any],
    quotes: Iterable[Mapping[str, Any]],
    side: ReviewFilters,
) -> Cause:
    own = [quote for quote in quotes if quote["aspect"] == row["aspect"]]
    return Cause(
        aspect=row["aspect"],
        complaints_before=row["complaints_before"],
        complaints_after=row["complaints_after"],
        share_before=row["complaints_before"] / read["reviews_before"],
        share_after=row["complaints_after"] / read["reviews_after"],
        p_value=row["p_value"],
        q_value=row["q_value"],
        quotes_before=first_quotes(quote for quote in own if not quote["is_after"]),
        quotes_after=first_quotes(quote for quote in own if quote["is_after"]),
        reviews_link=reviews_link(
            product_id=side.product_id,
            category=side.category,
            source=side.source,
            aspect=row["aspect"],
            aspect_sentiment="negative",
            first_day=side.first_day,
            last_day=side.last_day,
        ),
    )
