"""What reviews praise and complain about: GET /aspects."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import FastAPI, Query

from shared.db.aspects.catalog import AspectCatalog, Scope
from shared.db.connection import Database
from shared.errors import InvalidInputError
from shared.schemas.aspects import Aspect, AspectList, Quote
from shared.schemas.insights import Freshness, SentimentSplit

_SPLIT = ("negative", "neutral", "positive")
_MOST_OF_IT = 0.5
"""A phrase that has so much of a word's reviews stands for it: "belt clip" for "clip"."""
_COMMON = 0.2
"""Share of all reviews from which on a word may be one that is said of everything."""
_DISTINCT = 1.25
"""How many times as often a product's reviews must say such a word as others do."""
_BULK = 0.5
"""A product with more of all reviews than this is compared with itself."""
_QUOTES = 3
"""Of each sentiment."""
_TITLE_END = re.compile(r",|;|\||\(|:|/| - | with | for | w/ |\.", re.IGNORECASE)


def add_routes(app: FastAPI, needed: Callable[[], Database]) -> None:
    """Add GET /aspects."""

    @app.get("/aspects", tags=["insights"])
    def aspects(
        product_id: Annotated[str | None, Query(max_length=512)] = None,
        category: Annotated[str | None, Query(max_length=512, description="empty: none")] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        min_reviews: Annotated[int, Query(ge=1, le=2**31 - 1)] = 3,
    ) -> AspectList:
        """What people praise and complain about, of a product, a category or all."""
        for name, text in (("product_id", product_id), ("category", category)):
            if text and "\0" in text:
                raise InvalidInputError(f"{name} holds a NUL", details={"field": name})
        reader = AspectReader(AspectCatalog(needed()))
        return reader.aspects(product_id, category, limit, min_reviews)


class AspectReader:
    """Chooses aspects that tell something, and quotes for them."""

    def __init__(self, catalog: AspectCatalog) -> None:
        self._catalog = catalog

    def aspects(
        self, product_id: str | None, category: str | None, limit: int, least: int
    ) -> AspectList:
        """The aspects that most reviews mention, each with quotes."""
        as_of, pending = self._catalog.freshness()
        fresh = Freshness(as_of=as_of, pending_reviews=pending)
        is_there, title = True, None
        if product_id is not None:
            is_there, title = self._catalog.title(product_id, category)
        if not is_there:
            return AspectList(aspects=[], reviews_read=0, freshness=fresh)
        scope = Scope(product_id, None if product_id is not None else category)
        read, everywhere = self._catalog.reviews_read(scope)
        found = self._catalog.counts(scope, least)
        if product_id is not None:
            found = [
                row
                for row in found
                if not _is_named(row["aspect"], title) and _is_distinct(row, read, everywhere)
            ]
        chosen = list(_longest(found))[:limit]
        quotes = self._catalog.quotes(scope, [row["aspect"] for row in chosen]) if chosen else []
        shown = [_aspect(row, quotes, product_id, category) for row in chosen]
        return AspectList(aspects=shown, reviews_read=read, freshness=fresh)


def _is_named(aspect: str, title: str | None) -> bool:
    """Whether it is what the product is called: of a title, the words before its details."""
    if not title:
        return False
    words = re.findall(r"\w+(?:[-']\w+)*", _TITLE_END.split(title.casefold())[0])
    known = {*words, *(word.removesuffix("s") for word in words)}
    return all(word in known for word in aspect.split())


def _is_distinct(row: dict[str, Any], read: int, everywhere: int) -> bool:
    """Whether it is no word that reviews of all products share equally."""
    if read > _BULK * everywhere or row["reviews_everywhere"] < _COMMON * everywhere:
        return True
    share, usual = row["reviews"] / read, row["reviews_everywhere"] / everywhere
    return bool(share > _DISTINCT * usual)


def _longest(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Without words that a longer phrase stands for."""
    for row in found:
        word, reviews = f" {row['aspect']} ", row["reviews"]
        if not any(
            other["reviews"] >= _MOST_OF_IT * reviews
            and len(other["aspect"]) > len(row["aspect"])
            and word in f" {other['aspect']} "
            for other in found
        ):
            yield row


def _aspect(
    row: dict[str, Any],
    quotes: Iterable[dict[str, Any]],
    product_id: str | None,
    category: str | None,
) -> Aspect:
    shares = {name: row[name] / row["mentions"] for name in _SPLIT}
    given = {"product_id": product_id, "category": category, "aspect": row["aspect"]}
    asked = urlencode({name: value for name, value in given.items() if value is not None})
    return Aspect(
        aspect=row["aspect"],
        mentions=row["mentions"],
        reviews=row["reviews"],
        sentiment_shares=SentimentSplit(**shares),
        negative_share=shares["negative"],
        net_sentiment=100 * (shares["positive"] - shares["negative"]),
        quotes=list(_distinct([q for q in quotes if q["aspect"] == row["aspect"]])),
        reviews_link=f"/reviews?{asked}",
    )


def _distinct(quotes: list[dict[str, Any]]) -> Iterator[Quote]:
    """The first few of each sentiment that say different things."""
    for sentiment in ("negative", "positive"):
        seen: set[str] = set()
        for quote in quotes:
            said = quote["text"].casefold()
            if quote["sentiment"] == sentiment and said not in seen and len(seen) < _QUOTES:
                seen.add(said)
                yield Quote(**{name: quote[name] for name in Quote.model_fields})
