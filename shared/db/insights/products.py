"""Reads for insights: products with their sums, in any order, and those that changed."""

from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg import sql
from psycopg.rows import dict_row

from shared.db.connection import Database
from shared.schemas.insights import Order, ProductSort
from shared.schemas.review import PRODUCT_FIELDS, ProductFacts

ProductPosition = tuple[float | None, str]
"""Value of the sort and id of the last product of a page."""

_FIELDS = sql.SQL(", ").join(sql.Identifier("p", each.sql_column) for each in PRODUCT_FIELDS)
_SUMS = sql.SQL("""
p.product_id, {fields}, coalesce(t.reviews, 0) AS reviews, t.mean_rating,
coalesce(t.analysed, 0) AS analysed, coalesce(t.negative, 0) AS negative,
coalesce(t.neutral, 0) AS neutral, coalesce(t.positive, 0) AS positive,
coalesce(t.mismatches, 0) AS mismatches, t.first_day, t.last_day, t.change_day, t.change_seen,
t.reviews_before, t.negative_before, t.reviews_after, t.negative_after, t.p_value
""").format(fields=_FIELDS)
_IN_TOTALS = frozenset({"category"})
"""Facts that product_totals repeats, with an index; empty where a product has none."""
_TAKEN: LiteralString = "product_totals AS t JOIN products AS p USING (product_id)"
_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


@dataclass(frozen=True, slots=True)
class ProductQuery:
    """Which products, in which order; an empty fact selects products without one."""

    sort: ProductSort = "reviews"
    order: Order = "desc"
    facts: ProductFacts = field(default_factory=ProductFacts)
    search: str | None = None
    min_reviews: int | None = None

    def conditions(self) -> list[tuple[sql.Composable, dict[str, Any]]]:
        """The conditions in SQL, with their arguments."""
        conditions: list[tuple[sql.Composable, dict[str, Any]]] = [
            (_fact_condition(name, value), {name: value})
            for name, value in self.facts.model_dump(exclude_none=True).items()
        ]
        if self.search:
            like = f"%{self.search.translate(_ESCAPES)}%"
            condition = sql.SQL("(p.title ILIKE %(like)s OR p.product_id ILIKE %(like)s)")
            conditions.append((condition, {"like": like}))
        if self.min_reviews is not None:
            conditions.append((sql.SQL("t.reviews >= %(least)s"), {"least": self.min_reviews}))
        return conditions


def _fact_condition(name: str, value: str) -> sql.Composed:
    if name in _IN_TOTALS:
        return sql.SQL("t.{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
    if not value:
        return sql.SQL("p.{} IS NULL").format(sql.Identifier(name))
    return sql.SQL("p.{} = {}").format(sql.Identifier(name), sql.Placeholder(name))


class Products:
    """Reads product_totals."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, query: ProductQuery, limit: int, after: ProductPosition | None
    ) -> list[dict[str, Any]]:
        """Products in the order that is asked for, those without the value last.

        Returns:
            product_id, title, category, the sums, first_day, last_day, and what a change point
            consists of.
        """
        conditions: list[sql.Composable] = []
        arguments: dict[str, Any] = {"limit": limit}
        for condition, given in query.conditions():
            conditions.append(condition)
            arguments |= given
        if after is not None:
            conditions.append(_behind(query, after))
            arguments |= {"value": after[0], "product_id": after[1]}
        where = sql.SQL("WHERE {}").format(sql.SQL(" AND ").join(conditions))
        statement = sql.SQL(
            "SELECT {told} FROM {taken} {where}"
            " ORDER BY t.{column} {order} NULLS LAST, t.product_id LIMIT %(limit)s"
        ).format(
            told=_SUMS,
            taken=sql.SQL(_TAKEN),
            where=where if conditions else sql.SQL(""),
            column=sql.Identifier(query.sort),
            order=sql.SQL("DESC") if query.order == "desc" else sql.SQL("ASC"),
        )
        return self._rows(statement, arguments)

    def one(self, product_id: str) -> dict[str, Any] | None:
        """One product as in ``page``; None where it is unknown."""
        statement = sql.SQL(
            "SELECT {} FROM products AS p LEFT JOIN product_totals AS t USING (product_id)"
            " WHERE p.product_id = %(product_id)s"
        ).format(_SUMS)
        found = self._rows(statement, {"product_id": product_id})
        return found[0] if found else None

    def tested(self, category: str | None) -> int:
        """How many products a change was looked for in."""
        chosen = sql.SQL("AND category = %(category)s" if category is not None else "")
        statement = sql.SQL(
            "SELECT count(*) AS n FROM product_totals WHERE p_value IS NOT NULL {}"
        ).format(chosen)
        return int(self._rows(statement, {"category": category})[0]["n"])

    def changed(self, category: str | None, largest_p: float) -> list[dict[str, Any]]:
        """Products whose change has at most some p-value, smallest first, as in ``page``."""
        chosen = sql.SQL("AND t.category = %(category)s" if category is not None else "")
        statement = sql.SQL(
            "SELECT {} FROM {} WHERE t.p_value <= %(p)s {} ORDER BY t.p_value, t.product_id"
        ).format(_SUMS, sql.SQL(_TAKEN), chosen)
        return self._rows(statement, {"category": category, "p": largest_p})

    def _rows(self, query: sql.Composed, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            return cursor.execute(query, arguments).fetchall()


def _behind(query: ProductQuery, after: ProductPosition) -> sql.Composed:
    """What comes after a product, where missing values are last in both orders."""
    column = sql.Identifier("t", query.sort)
    if after[0] is None:
        return sql.SQL("({} IS NULL AND t.product_id > %(product_id)s)").format(column)
    sign = sql.SQL("<" if query.order == "desc" else ">")
    return sql.SQL(
        "({c} {sign} %(value)s OR {c} IS NULL"
        " OR ({c} = %(value)s AND t.product_id > %(product_id)s))"
    ).format(c=column, sign=sign)
