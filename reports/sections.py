"""A report's sections in order: what the material says, in words, plots and tables."""

from collections.abc import Iterator, Sequence
from functools import partial

from reports import details, figures, words
from reports.data import (
    Change,
    Material,
    Missing,
    Part,
    Point,
    Scope,
    Selected,
    Totals,
    Trends,
)
from reports.document import (
    Block,
    Document,
    Fact,
    Facts,
    Paragraph,
    Picture,
    Quotes,
    Section,
    Table,
)
from reports.points import thinned

MOST_POINTS = 400
"""In a plot and its table."""
_STEPS = {"day": "day", "week": "week", "month": "month"}


def document(material: Material) -> Document:
    """The whole report."""
    return Document(
        title=f"Reviews of {_subject(material)}",
        subtitle=_subtitle(material),
        period=_period(material),
        fresh=_fresh(material.trends),
        made=words.moment(material.made_at),
        sections=list(_sections(material)),
    )


def _sections(material: Material) -> Iterator[Section]:
    yield _overview(material)
    yield _changed(material)
    yield _over_time(material.trends)
    yield _stars_over_time(material.trends)
    if material.scope.product_id is None:
        yield details.moved(material.movers)
    yield details.praised_and_blamed(material.aspects)
    yield details.stars(material.ratings)
    yield details.disagreeing(material.mismatches)
    yield details.repeated(material.duplicates)
    yield details.voices("worst", "Worst reviews", material.worst)
    yield details.voices("best", "Best reviews", material.best)
    if material.scope.product_id is None:
        yield details.ranked(material.largest, material.weakest)
    yield details.parts(material)
    yield details.explained(material)


def _subject(material: Material) -> str:
    if material.product is not None:
        return material.product.title or material.product.product_id
    return material.scope.category or "all products"


def _subtitle(material: Material) -> str:
    product = material.product
    if product is None:
        return "Category" if material.scope.category else ""
    told = [f"Product {product.product_id}"]
    return ", ".join([*told, f"category {product.category}"] if product.category else told)


def _period(material: Material) -> str:
    scope, trends = material.scope, material.trends
    first, last = scope.first_day, scope.last_day
    if not isinstance(trends, Missing) and trends.points:
        first = first or trends.points[0].start
        last = last or trends.points[-1].end
    return _days(Scope(first_day=first, last_day=last))


def _days(scope: Scope) -> str:
    first, last = scope.first_day, scope.last_day
    if first and last:
        return f"{words.day(first)} to {words.day(last)} (UTC)"
    if first or last:
        return f"from {words.day(first)} (UTC)" if first else f"until {words.day(last)} (UTC)"
    return "all reviews"


def _fresh(trends: Part[Trends]) -> str:
    if isinstance(trends, Missing):
        return "the server does not say"
    fresh = trends.freshness
    told = f"reviews analysed until {words.moment(fresh.as_of)}"
    if fresh.as_of is None:
        told = "no review is analysed yet"
    if fresh.pending_reviews:
        told += f"; {words.many(fresh.pending_reviews, 'review')} not in the figures yet"
    return told


def _overview(material: Material) -> Section:
    totals: Totals | None = None
    if not isinstance(material.trends, Missing):
        totals = material.trends.totals
    elif material.product is not None:
        totals = Totals(**material.product.model_dump(include=set(Totals.model_fields)))
    if totals is None:
        reason = material.trends.reason if isinstance(material.trends, Missing) else ""
        return Section("overview", "Overview", missing=reason)
    return Section("overview", "Overview", list(_key_figures(material, totals)))


def _key_figures(material: Material, totals: Totals) -> Iterator[Block]:
    if not totals.reviews:
        yield Paragraph("There are no reviews in this period.", weight="lead")
        return
    yield Paragraph(_verdict(totals), weight="lead")
    shares = totals.sentiment_shares
    undated = f"{words.count(totals.undated)} without a date" if totals.undated else ""
    facts = [
        Fact("Reviews", words.count(totals.reviews), undated),
        Fact("Analysed", words.count(totals.analysed), _part(totals.analysed, totals.reviews)),
        Fact("Mean stars", words.stars(totals.mean_rating, digits=2), "of 5"),
        Fact("Net Sentiment", words.net(totals.net_sentiment), "of -100 to +100"),
        Fact("Negative", words.share(shares.negative if shares else None), "of the analysed"),
        Fact("Positive", words.share(shares.positive if shares else None), "of the analysed"),
    ]
    if material.product is not None and material.product.mismatches is not None:
        facts.append(Fact("Mismatches", words.count(material.product.mismatches), "stars and text"))
    yield Facts(facts)


def _part(some: int, whole: int) -> str:
    return f"{words.share(some / whole)} of all" if whole else ""


def _verdict(totals: Totals) -> str:
    shares = totals.sentiment_shares
    told = words.many(totals.reviews, "review")
    if shares is None:
        return f"{told}; none is analysed yet."
    return (
        f"{told}: {words.share(shares.positive)} positive, {words.share(shares.neutral)} neutral, "
        f"{words.share(shares.negative)} negative."
    )


def _changed(material: Material) -> Section:
    name, title, trends = "change", "What changed", material.trends
    if isinstance(trends, Missing):
        return Section(name, title, missing=trends.reason)
    if trends.change is None:
        message = "No clear change in the share of negative reviews was found."
        return Section(name, title, [Paragraph(message)])
    blocks: list[Block] = [Paragraph(sentence(trends.change), weight="lead")]
    blocks.append(_before_and_after(trends.change))
    noise = f"Chance that such a difference is noise: p {words.chance(trends.change.p_value)}."
    blocks.append(Paragraph(noise, weight="note"))
    blocks += _proof(material.proof)
    return Section(name, title, blocks)


def sentence(change: Change) -> str:
    """A change in one sentence."""
    return (
        f"Since {words.day(change.day)} the reviews are {change.direction}: "
        f"{words.share(change.negative_after)} are negative, "
        f"{words.share(change.negative_before)} were before."
    )


def _before_and_after(change: Change) -> Table:
    return Table(
        "Before and after",
        ("", "reviews", "negative"),
        (
            ("before", words.count(change.reviews_before), words.share(change.negative_before)),
            (
                f"since {words.day(change.day)}",
                words.count(change.reviews_after),
                words.share(change.negative_after),
            ),
        ),
    )


def _proof(found: Part[Selected]) -> list[Block]:
    if isinstance(found, Missing):
        return [Paragraph(f"The reviews that prove it are not available. {found.reason}", "note")]
    if not found.reviews:
        return []
    return [
        Quotes("Reviews that prove it", [words.quote(review) for review in found.reviews]),
        Paragraph(details.chosen_from(found), weight="note"),
    ]


def _over_time(trends: Part[Trends]) -> Section:
    name, title = "sentiment", "Sentiment over time"
    if isinstance(trends, Missing):
        return Section(name, title, missing=trends.reason)
    points = thinned(trends.points, MOST_POINTS)
    if not any(point.sentiment_shares for point in points):
        return Section(name, title, [Paragraph("No analysed review of this period has a date.")])
    drawn = partial(figures.over_time, points, trends.change)
    picture = Picture("Share of each sentiment", _share_words(trends, points), drawn)
    rows = [
        [
            *(words.day(p.start), words.count(p.reviews), *words.shares(p.sentiment_shares)),
            *(words.net(p.net_sentiment), words.stars(p.mean_rating, digits=2)),
        ]
        for p in points
        if p.reviews
    ]
    head = (
        *(f"{_STEPS[trends.interval]} from", "reviews", "negative", "neutral", "positive"),
        *("net sentiment", "mean stars"),
    )
    return Section(name, title, [picture, Table("In numbers", head, rows, folded=True)])


def _share_words(trends: Trends, points: Sequence[Point]) -> str:
    known = [point for point in points if point.sentiment_shares]
    first, last = known[0], known[-1]
    told = (
        f"Stacked shares of negative, neutral and positive reviews by {_STEPS[trends.interval]}. "
        f"Negative: {_negative(first)} from {words.day(first.start)}, "
        f"{_negative(last)} from {words.day(last.start)}."
    )
    return f"{told} {sentence(trends.change)}" if trends.change else told


def _negative(point: Point) -> str:
    return words.share(point.sentiment_shares.negative if point.sentiment_shares else None)


def _stars_over_time(trends: Part[Trends]) -> Section:
    name, title = "rating", "Mean stars over time"
    if isinstance(trends, Missing):
        return Section(name, title, missing=trends.reason)
    points = thinned(trends.points, MOST_POINTS)
    rated = [point for point in points if point.mean_rating is not None]
    if not rated:
        return Section(name, title, [Paragraph("No review of this period has stars and a date.")])
    low = min(rated, key=lambda point: point.mean_rating or 0)
    high = max(rated, key=lambda point: point.mean_rating or 0)
    alt = (
        f"Mean stars by {_STEPS[trends.interval]}: highest {words.stars(high.mean_rating)} from "
        f"{words.day(high.start)}, lowest {words.stars(low.mean_rating)} from "
        f"{words.day(low.start)}."
    )
    drawn = partial(figures.mean_rating, points, trends.change)
    return Section(name, title, [Picture("Mean stars", alt, drawn)])
