"""Sections of a report after the trend: aspects, stars, single reviews, products, parts."""

from collections.abc import Iterator, Sequence
from functools import partial

from reports import figures, words
from reports.data import (
    Aspect,
    Aspects,
    Counts,
    Duplicates,
    Group,
    Material,
    Missing,
    Mover,
    Part,
    Product,
    Ratings,
    Segment,
    Selected,
)
from reports.document import Block, Paragraph, Picture, Quote, Quotes, Section, Table

_QUOTES = 2
"""Of each aspect."""
_SHARES = ("negative", "neutral", "positive")
_ABOUT = (
    "Sentiment is the model's judgement of a review's text; stars play no part in it.",
    "Shares are of the analysed reviews; days are days in UTC.",
    "Net Sentiment is the share of positive reviews minus that of negative ones, times 100.",
    "The change is the day that best splits the reviews by their share of negative ones.",
    "Quotes are the reviewers' own words; long ones are cut where […] stands.",
)
_MISMATCHES = {
    "stars_above_text": "many stars, an unhappy text",
    "stars_below_text": "few stars, a happy text",
}


def chosen_from(found: Selected) -> str:
    """How some reviews were chosen."""
    told = f"{len(found.reviews)} of {words.many(found.read, 'review')}"
    return f"{told} read, the newest; there are more." if found.more else f"{told}."


def moved(found: Part[list[Mover]]) -> Section:
    """Products whose sentiment changed, strongest first."""
    name, title = "movers", "Products that changed"
    if isinstance(found, Missing):
        return Section(name, title, missing=found.reason)
    if not found:
        return Section(name, title, [Paragraph("No product changed beyond what chance explains.")])
    head = ("product", "title", "since", "is", "negative before", "after", "q")
    rows = [
        (
            *(mover.product_id, mover.title or "", words.day(mover.change.day)),
            *(mover.change.direction, words.share(mover.change.negative_before)),
            *(
                words.share(mover.change.negative_after),
                words.chance(mover.q_value).removeprefix("= "),
            ),
        )
        for mover in found
    ]
    note = "q is the chance of noise, corrected for the number of products looked at."
    table = Table("Strongest changes", head, rows, words=frozenset({0, 1, 2, 3}))
    return Section(name, title, [table, Paragraph(note, weight="note")])


def praised_and_blamed(found: Part[Aspects]) -> Section:
    """Aspects with their quotes."""
    name, title = "aspects", "What people praise and complain about"
    if isinstance(found, Missing):
        return Section(name, title, missing=found.reason)
    if not found.aspects:
        return Section(name, title, [Paragraph("Too few reviews to find what they speak of.")])
    return Section(name, title, list(_aspect_blocks(found)))


def _aspect_blocks(found: Aspects) -> Iterator[Block]:
    judged = [aspect for aspect in found.aspects if aspect.net_sentiment is not None]
    if judged:
        drawn = partial(figures.aspects, judged)
        yield Picture("Net Sentiment of each aspect (reviews)", _aspect_words(judged), drawn)
    rows = [
        (
            *(aspect.aspect, words.count(aspect.mentions), words.count(aspect.reviews)),
            *(words.share(aspect.negative_share), words.net(aspect.net_sentiment)),
        )
        for aspect in found.aspects
    ]
    yield Table("In numbers", ("aspect", "mentions", "reviews", "negative", "net sentiment"), rows)
    for aspect in found.aspects:
        if aspect.quotes:
            quotes = [words.quote(quote) for quote in aspect.quotes[:_QUOTES]]
            yield Quotes(f"“{aspect.aspect}”", quotes)
    yield Paragraph(f"Found in {words.many(found.reviews_read, 'review')}.", weight="note")


def _aspect_words(judged: Sequence[Aspect]) -> str:
    low = min(judged, key=lambda aspect: aspect.net_sentiment or 0)
    high = max(judged, key=lambda aspect: aspect.net_sentiment or 0)
    return (
        f"Net Sentiment of {words.many(len(judged), 'aspect')}. Best: {high.aspect} "
        f"({words.net(high.net_sentiment)}); worst: {low.aspect} ({words.net(low.net_sentiment)})."
    )


def stars(found: Part[Ratings]) -> Section:
    """The distribution of stars."""
    name, title = "stars", "Stars given"
    if isinstance(found, Missing):
        return Section(name, title, missing=found.reason)
    rated = sum(found.counts.values())
    if not rated:
        return Section(name, title, [Paragraph("No review of this period has stars.")])
    told = [f"{number}: {words.share(n / rated)}" for number, n in found.counts.items()]
    alt = f"Share of reviews by number of stars. {'; '.join(told)}."
    note = f"Of {words.many(found.read, 'review')}"
    note += ", the newest; there are more." if found.more else "."
    if found.unrated:
        note += f" {words.count(found.unrated)} without stars are left out."
    picture = Picture("Reviews by stars", alt, partial(figures.ratings, found))
    return Section(name, title, [picture, Paragraph(note, weight="note")])


def disagreeing(found: Part[Selected]) -> Section:
    """Reviews whose stars say another thing than their text."""
    name, title = "mismatches", "Stars that contradict the text"
    if isinstance(found, Missing):
        return Section(name, title, missing=found.reason)
    if not found.reviews:
        return Section(name, title, [Paragraph("No review has stars that contradict its text.")])
    number = f"At least {words.count(found.read)}" if found.more else words.count(found.read)
    lead = f"{number} of them; those where the text is clearest:"
    quotes = []
    for review in found.reviews:
        told = words.quote(review)
        kind = _MISMATCHES.get(review.mismatch or "", "")
        quotes.append(Quote(told.text, f"{told.origin}; {kind}", told.sentiment))
    return Section(name, title, [Paragraph(lead), Quotes("Mismatched reviews", quotes)])


def repeated(found: Part[Duplicates]) -> Section:
    """Texts that came more than once."""
    name, title = "duplicates", "Repeated and copied reviews"
    if isinstance(found, Missing):
        return Section(name, title, missing=found.reason)
    if not found.groups:
        return Section(name, title, [Paragraph("No text came more than once.")])
    blocks: list[Block] = [
        Quotes("Texts that came more than once", [_group(group) for group in found.groups])
    ]
    if found.next_cursor:
        blocks.append(Paragraph("There are more; the largest come first.", weight="note"))
    return Section(name, title, blocks)


def _group(group: Group) -> Quote:
    told = ["the same words" if group.kind == "exact" else "nearly the same words"]
    told.append(words.many(group.reviews, "review"))
    told.append(words.many(group.products, "product"))
    if group.reviewers is not None:
        told.append(words.many(group.reviewers, "reviewer"))
    if group.first_day and group.last_day:
        told.append(f"{words.day(group.first_day)} to {words.day(group.last_day)}")
    return Quote(group.text, ", ".join(told), None)


def voices(name: str, title: str, found: Part[Selected]) -> Section:
    """Single reviews that speak for many."""
    if isinstance(found, Missing):
        return Section(name, title, missing=found.reason)
    if not found.reviews:
        return Section(name, title, [Paragraph("There is none.")])
    quotes = Quotes("In their own words", [words.quote(review) for review in found.reviews])
    return Section(name, title, [quotes, Paragraph(chosen_from(found), weight="note")])


def ranked(largest: Part[list[Product]], weakest: Part[list[Product]]) -> Section:
    """Products with most reviews, and those that people like least."""
    name, title = "products", "Products"
    if isinstance(largest, Missing):
        return Section(name, title, missing=largest.reason)
    if not largest:
        return Section(name, title, [Paragraph("There is no product.")])
    blocks: list[Block] = []
    named = [(p.title or p.product_id, p.net_sentiment) for p in largest]
    judged = [(name, value) for name, value in named if value is not None]
    if judged:
        low, high = min(judged, key=lambda one: one[1]), max(judged, key=lambda one: one[1])
        alt = (
            f"Net Sentiment of the {len(judged)} products with most reviews. "
            f"Best: {high[0]} ({words.net(high[1])}); worst: {low[0]} ({words.net(low[1])})."
        )
        blocks.append(Picture("Net Sentiment", alt, partial(figures.products, judged)))
    blocks.append(_product_table("Most reviews", largest))
    if not isinstance(weakest, Missing) and weakest:
        blocks.append(_product_table("Lowest Net Sentiment", weakest))
    return Section(name, title, blocks)


def _product_table(title: str, found: Sequence[Product]) -> Table:
    rows = [
        (
            *(product.product_id, product.title or "", words.count(product.reviews)),
            *(words.stars(product.mean_rating, digits=2), *_three(product)),
            words.net(product.net_sentiment),
        )
        for product in found
    ]
    head = ("product", "title", "reviews", "stars", *_SHARES, "net")
    return Table(title, head, rows, words=frozenset({0, 1}))


def _three(counts: Counts) -> list[str]:
    return words.shares(counts.sentiment_shares)


def parts(material: Material) -> Section:
    """Categories and sources."""
    name, title = "segments", "Categories and sources"
    found = [("Categories", material.categories), ("Sources", material.sources)]
    reasons = [part.reason for _, part in found if isinstance(part, Missing)]
    if len(reasons) == len(found):
        return Section(name, title, missing=reasons[0])
    blocks: list[Block] = []
    for kind, part in found:
        if not isinstance(part, Missing) and part:
            blocks += _segment_blocks(_kind(material, kind), part)
    if not blocks:
        return Section(name, title, [Paragraph("The reviews name no category and no source.")])
    return Section(name, title, blocks)


def _kind(material: Material, kind: str) -> str:
    if kind == "Categories" and material.product is not None:
        return "The whole category, to compare with"
    return kind


def _segment_blocks(kind: str, found: Sequence[Segment]) -> Iterator[Block]:
    shown = found[:12]
    if sum(segment.sentiment_shares is not None for segment in shown) > 1:
        alt = f"{kind}: shares of negative, neutral and positive reviews, as in the table below."
        yield Picture(kind, alt, partial(figures.segments, shown))
    rows = [
        (
            *(segment.name or "unknown", words.count(segment.reviews)),
            *(words.stars(segment.mean_rating, digits=2), *_three(segment)),
            words.net(segment.net_sentiment),
        )
        for segment in shown
    ]
    yield Table(f"{kind}, in numbers", ("name", "reviews", "stars", *_SHARES, "net"), rows)


def explained(material: Material) -> Section:
    """What the figures mean, and over which reviews they are."""
    told = list(_ABOUT)
    if material.scope.first_day or material.scope.last_day:
        told.append(
            "The period holds for the overview, the trends, the change, the stars and the single "
            "reviews. Aspects, repeated reviews, products and categories are of all reviews."
        )
    return Section("about", "About these figures", [Paragraph(text) for text in told])
