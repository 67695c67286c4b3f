"""The aspects that reviews praise and complain about, with quotes."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import TypeAdapter

from lambdas.insights.figures import reviews_link
from shared.db.aspects.queries import AspectQueries, Scope
from shared.http.cursor import decode_cursor, encode_cursor
from shared.http.fitting import fit_page
from shared.schemas.aspects import Aspect, AspectList, Quote
from shared.schemas.insights import Freshness, SentimentSplit

_POSITION: TypeAdapter[tuple[int, str]] = TypeAdapter(tuple[int, str])
_SENTIMENTS = ("negative", "neutral", "positive")
_MIN_PHRASE_SHARE = 0.5
"""Share of a word's reviews from which a phrase replaces it: "belt clip" for "clip"."""
_MIN_COMMON_SHARE = 0.2
"""Share of all reviews from which a word counts as common."""
_MIN_LIFT = 1.25
"""How much more often than average a product's reviews must mention a common word."""
_MAX_PRODUCT_SHARE = 0.5
"""A product with more than this share of all reviews has no average to compare with."""
_QUOTES_PER_SENTIMENT = 3
_TITLE_END = re.compile(r",|;|\||\(|:|/| - | with | for | w/ |\.", re.IGNORECASE)


class AspectReader:
    """Answers /aspects: selects informative aspects and quotes for them."""

    def __init__(self, queries: AspectQueries) -> None:
        self._queries = queries

    def aspects(
        self,
        product_id: str | None,
        category: str | None,
        limit: int,
        min_reviews: int,
        cursor: str | None = None,
    ) -> AspectList:
        """Read the aspects that most reviews mention, each with quotes."""
        after = decode_cursor(_POSITION, cursor) if cursor else None
        as_of, pending, waiting = self._queries.freshness()
        freshness = Freshness(as_of=as_of, pending_reviews=pending + waiting, not_analysed=waiting)
        exists, title = True, None
        if product_id is not None:
            exists, title = self._queries.find_title(product_id, category)
        if not exists:
            return AspectList(aspects=[], reviews_read=0, freshness=freshness)
        scope = Scope(product_id, None if product_id is not None else category)
        read, total = self._queries.review_counts(scope)
        rows = self._queries.counts(scope, min_reviews)
        if product_id is not None:
            rows = [
                row
                for row in rows
                if not _is_product_name(row["aspect"], title) and _is_distinctive(row, read, total)
            ]
        rows = list(_drop_parts_of_phrases(rows))
        if after is not None:
            rows = [row for row in rows if _position(row) > after]
        rows = rows[: limit + 1]
        quotes = self._queries.quotes(scope, [row["aspect"] for row in rows]) if rows else []
        aspects = [_build_aspect(row, quotes, product_id, category) for row in rows]
        page, has_more = fit_page(aspects, limit)
        last = _position(rows[len(page) - 1]) if has_more else None
        return AspectList(
            aspects=page,
            reviews_read=read,
            freshness=freshness,
            next_cursor=encode_cursor(_POSITION, last) if last else None,
        )


def _position(row: dict[str, Any]) -> tuple[int, str]:
    """Its place in the order: the most mentioned first."""
    return -row["reviews"], row["aspect"]


def _is_product_name(aspect: str, title: str | None) -> bool:
    """Return whether an aspect is the product's name: the words before the title's details."""
    if not title:
        return False
    words = re.findall(r"\w+(?:[-']\w+)*", _TITLE_END.split(title.casefold())[0])
    name_words = {*words, *(word.removesuffix("s") for word in words)}
    return all(word in name_words for word in aspect.split())


def _is_distinctive(row: dict[str, Any], read: int, total: int) -> bool:
    """Return whether an aspect is not a word that reviews of all products use equally often."""
    if read > _MAX_PRODUCT_SHARE * total or row["reviews_everywhere"] < _MIN_COMMON_SHARE * total:
        return True
    share, average = row["reviews"] / read, row["reviews_everywhere"] / total
    return bool(share > _MIN_LIFT * average)


def _drop_parts_of_phrases(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rows whose aspect is not covered by a longer phrase."""
    for row in rows:
        word, reviews = f" {row['aspect']} ", row["reviews"]
        if not any(
            other["reviews"] >= _MIN_PHRASE_SHARE * reviews
            and len(other["aspect"]) > len(row["aspect"])
            and word in f" {other['aspect']} "
            for other in rows
        ):
            yield row


def _build_aspect(
    row: dict[str, Any],
    quotes: Iterable[dict[str, Any]],
    product_id: str | None,
    category: str | None,
) -> Aspect:
    shares = {name: row[name] / row["mentions"] for name in _SENTIMENTS}
    aspect = row["aspect"]
    return Aspect(
        aspect=aspect,
        mentions=row["mentions"],
        reviews=row["reviews"],
        sentiment_shares=SentimentSplit(**shares),
        negative_share=shares["negative"],
        net_sentiment=100 * (shares["positive"] - shares["negative"]),
        quotes=list(_select_quotes([quote for quote in quotes if quote["aspect"] == aspect])),
        reviews_link=reviews_link(product_id=product_id, category=category, aspect=aspect),
    )


def _select_quotes(quotes: list[dict[str, Any]]) -> Iterator[Quote]:
    """Yield the first quotes of each sentiment, without repeated texts."""
    for sentiment in ("negative", "positive"):
        texts: set[str] = set()
        for quote in quotes:
            text = quote["text"].casefold()
            if (
                quote["sentiment"] == sentiment
                and text not in texts
                and len(texts) < _QUOTES_PER_SENTIMENT
            ):
                texts.add(text)
                yield Quote(**{name: quote[name] for name in Quote.model_fields})
