"""Queries for insights: products with their figures, and products that changed."""

from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg import sql

from shared.db.connection import Database
from shared.schemas.insights import Order, ProductSort
from shared.schemas.review import PRODUCT_FIELDS, ProductFacts

ProductPosition = tuple[float | None, str]
"""Sort value and id of the last product of a page."""

_FIELDS = sql.SQL(", ").join(sql.Identifier("p", column.sql_column) for column in PRODUCT_FIELDS)
_COLUMNS = sql.SQL("""
p.product_id, {fields}, coalesce(t.reviews, 0) AS reviews, t.mean_rating,
coalesce(t.rated, 0) AS rated, coalesce(t.analysed, 0) AS analysed,
coalesce(t.negative, 0) AS negative,
coalesce(t.neutral, 0) AS neutral, coalesce(t.positive, 0) AS positive,
coalesce(t.not_understood, 0) AS not_understood, coalesce(t.mismatches, 0) AS mismatches,
 t.first_day, t.last_day, t.change_day, t.change_seen,
t.reviews_before, t.negative_before, t.reviews_after, t.negative_after, t.p_value
""").format(fields=_FIELDS)
_IN_TOTALS = frozenset({"category"})
"""Facts that are also columns of product_totals, with an index; empty if there is none."""
_TABLES: LiteralString = "product_totals AS t JOIN products AS p USING (product_id)"
_LIKE_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


@dataclass(frozen=True, slots=True)
class ProductQuery:
    """Selection and order of products; an empty fact selects products without one."""

    sort: ProductSort = "reviews"
    order: Order = "desc"
    facts: ProductFacts = field(default_factory=ProductFacts)
    search: str | None = None
    min_reviews: int | None = None

    def conditions(self) -> list[tuple[sql.Composable, dict[str, Any]]]:
        """The SQL conditions, with their arguments."""
        conditions: list[tuple[sql.Composable, dict[str, Any]]] = [
            (_fact_condition(name, value), {name: value})
            for name, value in self.facts.model_dump(exclude_none=True).items()
        ]
        if self.search:
            like = f"%{self.search.translate(_LIKE_ESCAPES)}%"
            condition = sql.SQL("(p.title ILIKE %(like)s OR p.product_id ILIKE %(like)s)")
            conditions.append((condition, {"like": like}))
        if self.min_reviews is not None:
            conditions.append(
                (sql.SQL("t.reviews >= %(min_reviews)s"), {"min_reviews": self.min_reviews})
            )
        return conditions


def _fact_condition(name: str, value: str) -> sql.Composed:
    if name in _IN_TOTALS:
        return sql.SQL("t.{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
    if not value:
        return sql.SQL("p.{} IS NULL").format(sql.Identifier(name))
    return sql.SQL("p.{} = {}").format(sql.Identifier(name), sql.Placeholder(name))


class ProductQueries:
    """Reads product_totals."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, query: ProductQuery, limit: int, after: ProductPosition | None
    ) -> list[dict[str, Any]]:
        """A page of products in the given order; products without the sort value come last.

        Returns:
            product_id, title, category, the sums, first_day, last_day, and the fields of the
            change point.
        """
        conditions: list[sql.Composable] = []
        arguments: dict[str, Any] = {"limit": limit}
        for condition, values in query.conditions():
            conditions.append(condition)
            arguments |= values
        if after is not None:
            conditions.append(_after(query, after))
            arguments |= {"value": after[0], "product_id": after[1]}
        where = sql.SQL("WHERE {}").format(sql.SQL(" AND ").join(conditions))
        statement = sql.SQL(
            "SELECT {columns} FROM {tables} {where}"
            " ORDER BY t.{column} {order} NULLS LAST, t.product_id LIMIT %(limit)s"
        ).format(
            columns=_COLUMNS,
            tables=sql.SQL(_TABLES),
            where=where if conditions else sql.SQL(""),
            column=sql.Identifier(query.sort),
            order=sql.SQL("DESC") if query.order == "desc" else sql.SQL("ASC"),
        )
        return self._database.fetch_dicts(statement, arguments)

    def get(self, product_id: str) -> dict[str, Any] | None:
        """One product as in ``page``; None if it is unknown."""
        statement = sql.SQL(
            "SELECT {} FROM products AS p LEFT JOIN product_totals AS t USING (product_id)"
            " WHERE p.product_id = %(product_id)s"
        ).format(_COLUMNS)
        rows = self._database.fetch_dicts(statement, {"product_id": product_id})
        return rows[0] if rows else None

    def exists(self, product_id: str) -> bool:
        """Whether a product is known."""
        query = "SELECT FROM products WHERE product_id = %(product_id)s"
        return bool(self._database.fetch_dicts(query, {"product_id": product_id}))

    def count_tested(self, category: str | None) -> int:
        """The number of products tested for a change."""
        condition = sql.SQL("AND category = %(category)s" if category is not None else "")
        statement = sql.SQL(
            "SELECT count(*) AS n FROM product_totals WHERE p_value IS NOT NULL {}"
        ).format(condition)
        return int(self._database.fetch_dicts(statement, {"category": category})[0]["n"])

    def changed(self, category: str | None, max_p_value: float) -> list[dict[str, Any]]:
        """Products whose change has at most this p-value, smallest first; rows as in ``page``."""
        condition = sql.SQL("AND t.category = %(category)s" if category is not None else "")
        statement = sql.SQL(
            "SELECT {} FROM {} WHERE t.p_value <= %(p)s {} ORDER BY t.p_value, t.product_id"
        ).format(_COLUMNS, sql.SQL(_TABLES), condition)
        return self._database.fetch_dicts(statement, {"category": category, "p": max_p_value})


def _after(query: ProductQuery, position: ProductPosition) -> sql.Composed:
    """Condition for products after a position; missing values are last in both orders."""
    column = sql.Identifier("t", query.sort)
    if position[0] is None:
        return sql.SQL("({} IS NULL AND t.product_id > %(product_id)s)").format(column)
    sign = sql.SQL("<" if query.order == "desc" else ">")
    return sql.SQL(
        "({c} {sign} %(value)s OR {c} IS NULL"
        " OR ({c} = %(value)s AND t.product_id > %(product_id)s))"
    ).format(c=column, sign=sign)
