"""A summary of a product in counts and quotes, in which nothing is generated."""

from dataclasses import replace
from datetime import date

from lambdas.insights.aspects import AspectReader
from lambdas.insights.causes import CauseReader
from lambdas.insights.figures import read_freshness
from lambdas.insights.impact import ImpactReader
from lambdas.insights.opinions import (
    complaint_trend,
    dissent,
    leading,
    read_opinions,
)
from lambdas.insights.summary_quotes import QuoteChooser
from lambdas.insights.summary_sentences import MAX_IDS, SummaryWriter
from lambdas.insights.trends import Changed, TrendReader
from lambdas.insights.windows import newest_that_fit
from lambdas.insights.wording import reviews as reviews_in_words
from shared.db.aspects.impact import MAX_REVIEWS, ImpactQueries
from shared.db.aspects.queries import AspectQueries
from shared.db.connection import Database
from shared.db.insights.products import ProductQueries
from shared.db.insights.reviews import ReviewFilters, ReviewQueries
from shared.db.insights.trends import DaySums, TrendFilters, TrendQueries
from shared.errors import NotFoundError
from shared.schemas.summary import (
    MIN_SUMMARY_REVIEWS,
    Summary,
    SummarySentence,
    SummaryStatus,
)

_MAX_ASPECTS = 100
_MIN_ASPECT_REVIEWS = 2
_MAX_CANDIDATES = 15
"""Aspects that most reviews mention, from which the named ones are chosen."""


class SummaryReader:
    """Answers /products/{product_id}/summary."""

    def __init__(self, database: Database) -> None:
        self._products = ProductQueries(database)
        self._trends = TrendQueries(database)
        self._changes = TrendReader(self._trends, CauseReader(database))
        self._queries = AspectQueries(database)
        self._aspects = AspectReader(self._queries, ImpactReader(database))
        self._impact = ImpactQueries(database)
        self._reviews = ReviewQueries(database)

    def summary(
        self, product_id: str, first_day: date | None = None, last_day: date | None = None
    ) -> Summary:
        """Summarise the reviews of a product.

        Args:
            product_id: the product.
            first_day: only reviews of this day (UTC) or later.
            last_day: only reviews of this day (UTC) or earlier.

        Raises:
            NotFoundError: the product is unknown.
        """
        freshness = read_freshness(self._trends)
        product = None if "\0" in product_id else self._products.get(product_id)
        if product is None:
            raise NotFoundError("product not found")
        filters = TrendFilters(product_id, first_day=first_day, last_day=last_day)
        days = self._trends.days(filters)
        sums = _total(days)
        changed = self._changes.change(filters, days)
        status = _status(sums)
        sentences = self._sentences(filters, days, changed) if status == "summarised" else []
        dated = [row.day for row in days if row.day is not None]
        return Summary(
            product_id=product_id,
            title=product["title"],
            status=status,
            text=" ".join(each.text for each in sentences) or _reason(status, sums),
            sentences=sentences,
            reviews=sums.reviews,
            analysed=sums.analysed,
            first_day=first_day or (dated[0] if dated else None),
            last_day=last_day or (dated[-1] if dated else None),
            change_status=changed.change_status,
            freshness=freshness,
        )

    def _sentences(
        self, scope: TrendFilters, days: list[DaySums], changed: Changed
    ) -> list[SummarySentence]:
        product_id = scope.product_id or ""
        names = self._aspects.names(product_id, _MIN_ASPECT_REVIEWS, _MAX_ASPECTS)
        window = newest_that_fit(scope, days, MAX_REVIEWS)
        readings, opinions = read_opinions(self._impact.reviews(window, names), names)
        cause = _first_cause(changed)
        ranked = sorted(opinions, key=lambda each: (-len(each.mention), each.aspect))
        candidates = ranked[:_MAX_CANDIDATES]
        causes = [each for each in ranked[_MAX_CANDIDATES:] if each.aspect == cause]
        quotes = QuoteChooser(self._queries, [*candidates, *causes])
        parts = [each for each in candidates if not quotes.is_a_thing_itself(each.aspect)]
        liked = [each for each in parts if not quotes.is_praised_for_absence(each.aspect)]
        praised, criticised = leading(liked, "praise"), leading(parts, "complaint")
        split = dissent(praised[0] if praised else None, criticised[0] if criticised else None)
        filters = replace(window, first_day=scope.first_day)
        total = _total(days)
        is_cut = total.reviews > MAX_REVIEWS
        writer = SummaryWriter(filters, window, is_cut, readings, quotes, self._read_ids)
        sentences = [writer.overall(total)]
        if praised:
            sentences.append(writer.opinion(praised, "praise", also=False))
        if criticised:
            first = criticised[0]
            also = bool(praised) and praised[0].aspect == first.aspect
            sentences.append(writer.opinion(criticised, "complaint", also=also))
            trend = complaint_trend(readings, first)
            if trend and first.aspect != cause:  # else the change says it
                sentences.append(writer.trend(first, trend))
        if split:
            sentences.append(writer.disagreement(*split))
        if changed.change:
            sentences.append(writer.change(changed.change, changed.explanation))
        return sentences if len(sentences) > 1 else [*sentences, writer.nothing()]

    def _read_ids(self, filters: ReviewFilters) -> list[str]:
        return self._reviews.ids(filters, MAX_IDS)


def _first_cause(changed: Changed) -> str | None:
    causes = changed.explanation.causes if changed.explanation else []
    return causes[0].aspect if causes else None


def _total(days: list[DaySums]) -> DaySums:
    columns = zip(*(row[1:] for row in days), strict=True)
    return DaySums(None, *map(sum, columns)) if days else DaySums(None, 0, 0, 0.0, 0, 0, 0, 0)


def _status(sums: DaySums) -> SummaryStatus:
    if sums.analysed >= MIN_SUMMARY_REVIEWS:
        return "summarised"
    if sums.reviews < MIN_SUMMARY_REVIEWS:
        return "too_few_reviews"
    waiting = sums.reviews - sums.analysed - sums.not_understood
    return "not_analysed" if waiting else "not_understood"


def _reason(status: SummaryStatus, sums: DaySums) -> str:
    """Why there is no summary."""
    needs = f"a summary needs {MIN_SUMMARY_REVIEWS}"
    if status == "too_few_reviews":
        if not sums.reviews:
            return f"There are no reviews; {needs}."
        verb = "is" if sums.reviews == 1 else "are"
        return f"There {verb} only {reviews_in_words(sums.reviews)}; {needs}."
    stored = f"Of {reviews_in_words(sums.reviews)}, {sums.analysed}"
    verb = "is" if sums.analysed == 1 else "are"
    if status == "not_analysed":
        return f"{stored} {verb} analysed yet; {needs}."
    return f"{stored} {verb} in a language that the model knows; {needs}."
