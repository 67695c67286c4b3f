"""Queries for insights: sums by day and by segment, and their freshness."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, LiteralString, NamedTuple

from psycopg import sql
from psycopg.rows import args_row

from shared.db.connection import Database

_COLUMNS: LiteralString = (
    "reviews, rated, rating_sum::float8, negative, neutral, positive, not_understood"
)
# float8 holds these whole numbers exactly; sums of bigint are numeric, which is slow
_SUMS: LiteralString = """sum(reviews::float8)::bigint, sum(rated::float8)::bigint,
sum(rating_sum::float8), sum(negative::float8)::bigint, sum(neutral::float8)::bigint,
sum(positive::float8)::bigint, sum(not_understood::float8)::bigint"""
_MAX_EXACT_PENDING = 20_000
"""Up to this number, pending reviews are counted exactly, without repetitions."""

# Usually only a few changes are pending, each of many reviews; a review may be in several.
_FRESHNESS: LiteralString = """
WITH pending AS (
    SELECT coalesce(min(logged_at), now()) AS as_of, coalesce(sum(reviews), 0)::bigint AS n
    FROM insight_changes
), waiting AS (
    -- every review has a source
    SELECT coalesce(sum(reviews - negative - neutral - positive - not_understood), 0)::bigint AS n
    FROM segment_totals WHERE segment = 'source'
)
SELECT as_of, CASE WHEN pending.n > %(max_exact)s THEN pending.n ELSE (
    SELECT count(DISTINCT review_id) FROM insight_changes, unnest(review_ids) AS u (review_id)
) END AS pending_reviews, waiting.n AS not_analysed FROM pending, waiting
"""


class DaySums(NamedTuple):
    """Sums over the reviews of a day; ``day`` is None for reviews without a date."""

    day: date | None
    reviews: int
    rated: int
    rating_sum: float
    negative: int
    neutral: int
    positive: int
    not_understood: int

    @property
    def analysed(self) -> int:
        """Reviews with a sentiment."""
        return self.negative + self.neutral + self.positive


class Freshness(NamedTuple):
    """How fresh figures are: the fields of ``shared.schemas.insights.Freshness``."""

    as_of: datetime
    pending_reviews: int
    not_analysed: int


@dataclass(frozen=True, slots=True)
class TrendFilters:
    """Reviews must match all given filters; days are inclusive; an empty category means none."""

    product_id: str | None = None
    category: str | None = None
    source: str | None = None
    first_day: date | None = None
    last_day: date | None = None


class TrendQueries:
    """Reads product_days, segment_days and segment_totals."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def days(self, filters: TrendFilters) -> list[DaySums]:
        """Sums of each day with reviews, in order; reviews without a date (day None) come first.

        With a first or last day, reviews without a date are excluded.
        """
        if filters.product_id is None:
            table, conditions = "segment_days", _segment(filters)
        else:
            table, conditions = "product_days", _product(filters)
        # product_days has one row per source and day, segment_days one row per day
        is_summed = filters.product_id is not None and filters.source is None
        if filters.first_day or filters.last_day:
            conditions.append("t.day > '-infinity'")
        if filters.first_day:
            conditions.append("t.day >= %(first)s")
        if filters.last_day:
            conditions.append("t.day <= %(last)s")
        query = sql.SQL(
            "SELECT CASE WHEN t.day > '-infinity' THEN t.day END, {} FROM {} AS t WHERE {} {}"
            " ORDER BY t.day"
        ).format(
            sql.SQL(_SUMS if is_summed else _COLUMNS),
            sql.Identifier(table),
            sql.SQL(" AND ").join(sql.SQL(condition) for condition in conditions),
            sql.SQL("GROUP BY t.day" if is_summed else ""),
        )
        arguments = {
            "product_id": filters.product_id,
            "category": filters.category or "",
            "source": filters.source or "",
            "first": filters.first_day,
            "last": filters.last_day,
        }
        with (
            self._database.transaction() as connection,
            # thousands of rows: the binary format is faster to parse
            connection.cursor(binary=True, row_factory=args_row(DaySums)) as cursor,
        ):
            return cursor.execute(query, arguments).fetchall()

    def segments(self, by: Literal["category", "source"]) -> list[dict[str, Any]]:
        """Sums of each category or source, most reviews first; an empty name means no category."""
        counts: dict[str, LiteralString] = {
            "category": "SELECT category AS name, count(*) AS products FROM product_totals",
            "source": "SELECT source AS name, count(*) AS products FROM product_sources",
        }
        query = sql.SQL(
            "SELECT name, coalesce(p.products, 0) AS products, reviews, rated,"
            " rating_sum::float8 AS rating_sum, negative, neutral, positive,"
            " not_understood"
            " FROM segment_totals LEFT JOIN ({} GROUP BY 1) AS p USING (name)"
            " WHERE segment = %(by)s ORDER BY reviews DESC, name"
        ).format(sql.SQL(counts[by]))
        return self._database.fetch_dicts(query, {"by": by})

    def freshness(self) -> Freshness:
        """Freshness of all figures."""
        (row,) = self._database.fetch_dicts(_FRESHNESS, {"max_exact": _MAX_EXACT_PENDING})
        return Freshness(**row)


def _product(filters: TrendFilters) -> list[LiteralString]:
    conditions: list[LiteralString] = ["product_id = %(product_id)s"]
    if filters.source is not None:
        conditions.append("source = %(source)s")
    if filters.category is not None:
        conditions.append(
            "EXISTS (SELECT FROM product_totals"
            " WHERE product_id = %(product_id)s AND category = %(category)s)"
        )
    return conditions


def _segment(filters: TrendFilters) -> list[LiteralString]:
    """Conditions for the rows of segment_days; columns that are not filtered are empty there."""
    by_category, by_source = filters.category is not None, filters.source is not None
    segments: dict[tuple[bool, bool], LiteralString] = {
        (False, False): "segment = 'all'",
        (True, False): "segment = 'category'",
        (False, True): "segment = 'source'",
        (True, True): "segment = 'both'",
    }
    names: LiteralString = "category = %(category)s AND source = %(source)s"
    return [segments[by_category, by_source], names]
