"""Reads for insights: sums by day and by segment, and how fresh they are."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, LiteralString, NamedTuple

from psycopg import sql
from psycopg.rows import args_row, dict_row

from shared.db.connection import Database

_PLAIN: LiteralString = "reviews, rated, rating_sum::float8, negative, neutral, positive"
# whole numbers that float8 holds exactly: sums of bigint are numeric, and slow
_SUMMED: LiteralString = """sum(reviews::float8)::bigint, sum(rated::float8)::bigint,
sum(rating_sum::float8), sum(negative::float8)::bigint, sum(neutral::float8)::bigint,
sum(positive::float8)::bigint"""
_COUNTED = 20_000
"""Waiting reviews that are told exactly, each once."""

# Few lines wait as a rule, each of many reviews; a review may stand in several.
_FRESHNESS: LiteralString = """
WITH told AS (
    SELECT coalesce(min(logged_at), now()) AS as_of, coalesce(sum(reviews), 0)::bigint AS n
    FROM insight_changes
)
SELECT as_of, CASE WHEN n > %(counted)s THEN n ELSE (
    SELECT count(DISTINCT review_id) FROM insight_changes, unnest(review_ids) AS u (review_id)
) END AS pending_reviews FROM told
"""


class DaySums(NamedTuple):
    """Sums over the reviews of a day; ``day`` is None for those without a date."""

    day: date | None
    reviews: int
    rated: int
    rating_sum: float
    negative: int
    neutral: int
    positive: int


class Freshness(NamedTuple):
    """Up to when all is in the figures, and how many reviews wait (at most)."""

    as_of: datetime
    pending_reviews: int


@dataclass(frozen=True, slots=True)
class TrendFilters:
    """All that are given must hold; days are inclusive; an empty category is none."""

    product_id: str | None = None
    category: str | None = None
    source: str | None = None
    first_day: date | None = None
    last_day: date | None = None


class Trends:
    """Reads product_days, segment_days and segment_totals."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def days(self, filters: TrendFilters) -> list[DaySums]:
        """Sums of each day that has reviews, in order; those without a date (None) come first.

        Undated reviews are left out where days are asked for.
        """
        if filters.product_id is None:
            table, conditions = "segment_days", _segment(filters)
        else:
            table, conditions = "product_days", _product(filters)
        # a product's days are kept by source; all others hold one row for each day
        summed = filters.product_id is not None and filters.source is None
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
            sql.SQL(_SUMMED if summed else _PLAIN),
            sql.Identifier(table),
            sql.SQL(" AND ").join(sql.SQL(condition) for condition in conditions),
            sql.SQL("GROUP BY t.day" if summed else ""),
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
            # thousands of rows: numbers are read quicker than their texts
            connection.cursor(binary=True, row_factory=args_row(DaySums)) as cursor,
        ):
            return cursor.execute(query, arguments).fetchall()

    def segments(self, by: Literal["category", "source"]) -> list[dict[str, Any]]:
        """Sums of each category or source, most reviews first; no category is an empty name."""
        counts: dict[str, LiteralString] = {
            "category": "SELECT category AS name, count(*) AS products FROM product_totals",
            "source": "SELECT source AS name, count(*) AS products FROM product_sources",
        }
        query = sql.SQL(
            "SELECT name, coalesce(p.products, 0) AS products, reviews, rated,"
            " rating_sum::float8 AS rating_sum, negative, neutral, positive"
            " FROM segment_totals LEFT JOIN ({} GROUP BY 1) AS p USING (name)"
            " WHERE segment = %(by)s ORDER BY reviews DESC, name"
        ).format(sql.SQL(counts[by]))
        return self._rows(query, {"by": by})

    def freshness(self) -> Freshness:
        """How fresh all figures are."""
        (row,) = self._rows(sql.SQL(_FRESHNESS).format(), {"counted": _COUNTED})
        return Freshness(row["as_of"], row["pending_reviews"])

    def _rows(self, query: sql.Composed, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            return cursor.execute(query, arguments).fetchall()


def _product(filters: TrendFilters) -> list[LiteralString]:
    told: list[LiteralString] = ["product_id = %(product_id)s"]
    if filters.source is not None:
        told.append("source = %(source)s")
    if filters.category is not None:
        told.append(
            "EXISTS (SELECT FROM product_totals"
            " WHERE product_id = %(product_id)s AND category = %(category)s)"
        )
    return told


def _segment(filters: TrendFilters) -> list[LiteralString]:
    """Which sums of segment_days these are; the columns that do not matter are empty there."""
    of_category, of_source = filters.category is not None, filters.source is not None
    kinds: dict[tuple[bool, bool], LiteralString] = {
        (False, False): "segment = 'all'",
        (True, False): "segment = 'category'",
        (False, True): "segment = 'source'",
        (True, True): "segment = 'both'",
    }
    same: LiteralString = "category = %(category)s AND source = %(source)s"
    return [kinds[of_category, of_source], same]
