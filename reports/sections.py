"""The sections of a report in their order: text, plots and tables made of the material."""

from collections.abc import Iterator, Sequence
from functools import partial

from reports import details, figures, words
from reports.data import Material, Missing, Part, Scope, Selected
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
from reports.points import merge_points
from reports.quotes import quote
from reviewlens.models import NO_CHANGE, Change, Figures, Point, Trend

MAX_POINTS = 400
"""Points of a plot and its table."""


def document(material: Material) -> Document:
    """The complete report."""
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
        yield details.movers(material.movers)
    yield details.aspects(material.aspects)
    yield details.stars(material.ratings)
    yield details.mismatches(material.mismatches)
    yield details.duplicates(material.duplicates)
    yield details.single_reviews("worst", "Worst reviews", material.worst)
    yield details.single_reviews("best", "Best reviews", material.best)
    if material.scope.product_id is None:
        yield details.products(material.largest, material.weakest)
    yield details.segments(material)
    yield details.about(material)


def _subject(material: Material) -> str:
    if material.product is not None:
        return material.product.title or material.product.product_id
    return material.scope.category or "all products"


def _subtitle(material: Material) -> str:
    product = material.product
    if product is None:
        return "Category" if material.scope.category else ""
    category = f", category {product.category}" if product.category else ""
    return f"Product {product.product_id}{category}"


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


def _fresh(trends: Part[Trend]) -> str:
    if isinstance(trends, Missing):
        return "unknown"
    fresh = trends.freshness
    text = f"all reviews until {words.moment(fresh.as_of)}"
    if fresh.pending_reviews:
        text += f"; {words.many(fresh.pending_reviews, 'review')} not in the figures yet"
    if fresh.not_analysed:
        text += f"; {words.many(fresh.not_analysed, 'stored review')} not analysed yet"
    return text


def _overview(material: Material) -> Section:
    name, title, trends = "overview", "Overview", material.trends
    if not isinstance(trends, Missing):
        blocks = _key_figures(material, trends.totals, trends.totals.undated)
    elif material.product is not None:
        blocks = _key_figures(material, material.product, 0)
    else:
        return Section(name, title, missing=trends.reason)
    return Section(name, title, list(blocks))


def _key_figures(material: Material, totals: Figures, undated: int) -> Iterator[Block]:
    if not totals.reviews:
        yield Paragraph("There are no reviews in this period.", weight="lead")
        return
    yield Paragraph(_verdict(totals), weight="lead")
    shares = totals.sentiment_shares
    remark = f"{words.count(undated)} without a date" if undated else ""
    facts = [
        Fact("Reviews", words.count(totals.reviews), remark),
        Fact(
            "Analysed", words.count(totals.analysed), _share_of_all(totals.analysed, totals.reviews)
        ),
        Fact(
            "Mean stars",
            words.stars(totals.mean_rating, digits=2),
            f"of 5, in {words.many(totals.rated, 'review')}",
        ),
        Fact("Net Sentiment", words.net(totals.net_sentiment), "of -100 to +100"),
        Fact("Negative", words.share(shares.negative if shares else None), "of the analysed"),
        Fact("Positive", words.share(shares.positive if shares else None), "of the analysed"),
    ]
    if totals.not_understood:
        count = words.count(totals.not_understood)
        facts.append(Fact("Language not supported", count, "without sentiment"))
    if material.product is not None:
        facts.append(Fact("Mismatches", words.count(material.product.mismatches), "who disagrees"))
    yield Facts(facts)


def _share_of_all(count: int, total: int) -> str:
    return f"{words.share(count / total)} of all" if total else ""


def _verdict(totals: Figures) -> str:
    shares = totals.sentiment_shares
    number = words.many(totals.reviews, "review")
    if shares is None:
        if totals.not_understood == totals.reviews:
            return f"{number}; the model does not know the language of any."
        return f"{number}; none is analysed yet."
    positive, neutral, negative = reversed(words.shares(shares))
    analysed = f"; of the {words.count(totals.analysed)} analysed"
    base = "" if totals.analysed == totals.reviews else analysed
    return f"{number}{base}: {positive} positive, {neutral} neutral, {negative} negative."


def _changed(material: Material) -> Section:
    name, title, trends = "change", "What changed", material.trends
    if isinstance(trends, Missing):
        return Section(name, title, missing=trends.reason)
    if trends.change is None:
        return Section(name, title, [Paragraph(NO_CHANGE[trends.change_status])])
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


def _proof(proof: Part[Selected]) -> list[Block]:
    if isinstance(proof, Missing):
        return [Paragraph(f"The reviews that prove it are not available. {proof.reason}", "note")]
    if not proof.reviews:
        return []
    return [
        Quotes("Reviews that prove it", [quote(review) for review in proof.reviews]),
        Paragraph(details.chosen_from(proof), weight="note"),
    ]


def _over_time(trends: Part[Trend]) -> Section:
    name, title = "sentiment", "Sentiment over time"
    if isinstance(trends, Missing):
        return Section(name, title, missing=trends.reason)
    points = merge_points(trends.points, MAX_POINTS)
    if not any(point.sentiment_shares for point in points):
        return Section(name, title, [Paragraph("No analysed review of this period has a date.")])
    draw = partial(figures.over_time, points, trends.change)
    picture = Picture("Share of each sentiment", _describe_shares(trends, points), draw)
    rows = [
        [
            *(words.day(p.start), words.count(p.reviews), *words.shares(p.sentiment_shares)),
            *(words.net(p.net_sentiment), words.stars(p.mean_rating, digits=2)),
        ]
        for p in points
        if p.reviews
    ]
    head = (
        *(f"{trends.interval} from", "reviews", "negative", "neutral", "positive"),
        *("net sentiment", "mean stars"),
    )
    return Section(name, title, [picture, Table("In numbers", head, rows, folded=True)])


def _describe_shares(trends: Trend, points: Sequence[Point]) -> str:
    analysed = [point for point in points if point.sentiment_shares]
    first, last = analysed[0], analysed[-1]
    text = (
        f"Stacked shares of negative, neutral and positive reviews by {trends.interval}. "
        f"Negative: {_negative(first)} from {words.day(first.start)}, "
        f"{_negative(last)} from {words.day(last.start)}."
    )
    return f"{text} {sentence(trends.change)}" if trends.change else text


def _negative(point: Point) -> str:
    return words.share(point.sentiment_shares.negative if point.sentiment_shares else None)


def _stars_over_time(trends: Part[Trend]) -> Section:
    name, title = "rating", "Mean stars over time"
    if isinstance(trends, Missing):
        return Section(name, title, missing=trends.reason)
    points = merge_points(trends.points, MAX_POINTS)
    rated = [point for point in points if point.mean_rating is not None]
    if not rated:
        return Section(name, title, [Paragraph("No review of this period has stars and a date.")])
    low = min(rated, key=lambda point: point.mean_rating or 0)
    high = max(rated, key=lambda point: point.mean_rating or 0)
    alt = (
        f"Mean stars by {trends.interval}: highest {words.stars(high.mean_rating)} from "
        f"{words.day(high.start)}, lowest {words.stars(low.mean_rating)} from "
        f"{words.day(low.start)}."
    )
    draw = partial(figures.mean_rating, points, trends.change)
    return Section(name, title, [Picture("Mean stars", alt, draw)])
