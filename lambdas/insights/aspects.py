"""The aspects that reviews praise and complain about, with quotes."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import TypeAdapter

from lambdas.insights.aspect_names import drop_parts_of_phrases, is_product_name
from lambdas.insights.figures import reviews_link
from lambdas.insights.impact import ImpactReader, Impacts
from lambdas.insights.quotes import first_quotes
from shared.db.aspects.queries import AspectQueries, Scope
from shared.http.cursor import decode_cursor, encode_cursor
from shared.http.fitting import fit_page
from shared.schemas.aspects import Aspect, AspectList
from shared.schemas.insights import Freshness, SentimentSplit
from shared.schemas.quotes import Quote

_POSITION: TypeAdapter[tuple[int, str]] = TypeAdapter(tuple[int, str])
_SENTIMENTS = ("negative", "neutral", "positive")
_MIN_COMMON_SHARE = 0.2
"""Share of all reviews from which a word counts as common."""
_MIN_LIFT = 1.25
"""How much more often than average a product's reviews must mention a common word."""
_MAX_IMPACTS = 100
"""The impact of as many aspects is computed, of those that most reviews mention."""
_MAX_PRODUCT_SHARE = 0.5
"""A product with more than this share of all reviews has no average to compare with."""


class AspectReader:
    """Answers /aspects: selects informative aspects and quotes for them."""

    def __init__(self, queries: AspectQueries, impact: ImpactReader) -> None:
        self._queries = queries
        self._impact = impact

    def aspects(
        self,
        product_id: str | None,
        category: str | None,
        limit: int,
        min_reviews: int,
        cursor: str | None = None,
        *,
        impact: bool = False,
    ) -> AspectList:
        """Read the aspects that most reviews mention, each with quotes, and on request its impact.

        The impact of an aspect does not depend on the page on which it stands.
        """
        after = decode_cursor(_POSITION, cursor) if cursor else None
        as_of, pending, waiting = self._queries.freshness()
        freshness = Freshness(as_of=as_of, pending_reviews=pending + waiting, not_analysed=waiting)
        scope = Scope(product_id, None if product_id is not None else category)
        selected = self._selected(scope, category, min_reviews)
        if selected is None:
            return AspectList(aspects=[], reviews_read=0, freshness=freshness)
        read, rows = selected
        impacts = None
        if impact:
            names = [row["aspect"] for row in rows[:_MAX_IMPACTS]]
            impacts = self._impact.read(scope.product_id, scope.category, names)
        if after is not None:
            rows = [row for row in rows if _position(row) > after]
        rows = rows[: limit + 1]
        quotes = self._queries.quotes(scope, [row["aspect"] for row in rows]) if rows else []
        aspects = [_build_aspect(row, quotes, scope, impacts) for row in rows]
        page, has_more = fit_page(aspects, limit)
        last = _position(rows[len(page) - 1]) if has_more else None
        return AspectList(
            aspects=page,
            reviews_read=read,
            compared=impacts.compared if impacts else None,
            freshness=freshness,
            next_cursor=encode_cursor(_POSITION, last) if last else None,
        )

    def names(self, product_id: str, min_reviews: int, limit: int) -> list[str]:
        """The aspects of a product as in ``aspects``, without their counts."""
        selected = self._selected(Scope(product_id), None, min_reviews)
        return [row["aspect"] for row in selected[1][:limit]] if selected else []

    def _selected(
        self, scope: Scope, category: str | None, min_reviews: int
    ) -> tuple[int, list[dict[str, Any]]] | None:
        """How many reviews were read, and the informative aspects; None for no such product."""
        product = None
        if scope.product_id is not None:
            product = self._queries.find_product(scope.product_id, category)
            if product is None:
                return None
        read, total = self._queries.review_counts(scope)
        rows = self._queries.counts(scope, min_reviews, product.category if product else None)
        if product is not None:
            rows = [
                row
                for row in rows
                if not is_product_name(row["aspect"], product.title)
                and _is_distinctive(row, read, total)
            ]
        return read, list(drop_parts_of_phrases(rows))


def _position(row: dict[str, Any]) -> tuple[int, str]:
    """Its place in the order: the most mentioned first."""
    return -row["reviews"], row["aspect"]


def _is_distinctive(row: dict[str, Any], read: int, total: int) -> bool:
    """Return whether an aspect is not a word that reviews of all products use equally often."""
    if read > _MAX_PRODUCT_SHARE * total or row["reviews_everywhere"] < _MIN_COMMON_SHARE * total:
        return True
    share, average = row["reviews"] / read, row["reviews_everywhere"] / total
    return bool(share > _MIN_LIFT * average)


def _build_aspect(
    row: dict[str, Any],
    quotes: Iterable[dict[str, Any]],
    scope: Scope,
    impacts: Impacts | None,
) -> Aspect:
    shares = {name: row[name] / row["mentions"] for name in _SENTIMENTS}
    aspect, elsewhere = row["aspect"], row["category_mentions"]
    return Aspect(
        aspect=aspect,
        mentions=row["mentions"],
        reviews=row["reviews"],
        sentiment_shares=SentimentSplit(**shares),
        negative_share=shares["negative"],
        net_sentiment=100 * (shares["positive"] - shares["negative"]),
        category_mentions=elsewhere,
        category_negative_share=row["category_negative"] / elsewhere if elsewhere else None,
        impact=impacts.by_aspect.get(aspect) if impacts else None,
        quotes=list(_select_quotes([quote for quote in quotes if quote["aspect"] == aspect])),
        reviews_link=reviews_link(
            product_id=scope.product_id, category=scope.category, aspect=aspect
        ),
    )


def _select_quotes(quotes: list[dict[str, Any]]) -> Iterator[Quote]:
    """Yield the first quotes of each sentiment, without repeated texts."""
    for sentiment in ("negative", "positive"):
        yield from first_quotes(quote for quote in quotes if quote["sentiment"] == sentiment)
