"""Sections of a report after the trend: aspects, stars, reviews, products, segments."""

from collections.abc import Iterator, Sequence
from functools import partial

from reports import figures, words
from reports.data import Group, Material, Missing, Part, Ratings, Selected
from reports.document import Block, Paragraph, Picture, Quote, Quotes, Section, Table
from reports.quotes import clip, quote
from reviewlens.models import Aspect, AspectList, DuplicateGroup, DuplicatePage, Mover, Product

_MAX_QUOTES = 2
"""Quotes of each aspect."""
_MAX_GROUPS = 12
_SHARES = ("negative", "neutral", "positive")
_ABOUT = (
    "Sentiment is what the model finds in the text of a review; it does not depend on the stars.",
    "Shares are fractions of the analysed reviews; days are in UTC.",
    "Net Sentiment is the share of positive reviews minus that of negative ones, times 100.",
    "The change is the day that best separates the reviews by their share of negative ones.",
    "Quotes are the reviewers' own words; […] marks where a long one is cut.",
)
_MISMATCHES = {
    "stars_above_text": "many stars, an unhappy text",
    "stars_below_text": "few stars, a happy text",
    "picture_above_text": "a pleasing picture, an unhappy text",
    "picture_below_text": "a displeasing picture, a happy text",
    "stars_above_picture": "many stars, a displeasing picture",
    "stars_below_picture": "few stars, a pleasing picture",
}


def chosen_from(selected: Selected) -> str:
    """How reviews were chosen."""
    text = f"{len(selected.reviews)} of {words.many(selected.read, 'review')}"
    return f"{text} read, the newest; there are more." if selected.more else f"{text}."


def movers(part: Part[list[Mover]]) -> Section:
    """Products whose sentiment changed, the most certain first."""
    name, title = "movers", "Products that changed"
    if isinstance(part, Missing):
        return Section(name, title, missing=part.reason)
    if not part:
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
        for mover in part
    ]
    note = "q is the chance of noise, corrected for the number of products tested."
    table = Table("Strongest changes", head, rows, words=frozenset({0, 1, 2, 3}))
    return Section(name, title, [table, Paragraph(note, weight="note")])


def aspects(part: Part[AspectList]) -> Section:
    """Aspects with their quotes."""
    name, title = "aspects", "What people praise and complain about"
    if isinstance(part, Missing):
        return Section(name, title, missing=part.reason)
    if not part.aspects:
        return Section(name, title, [Paragraph("There are too few reviews to find aspects.")])
    return Section(name, title, list(_aspect_blocks(part)))


def _aspect_blocks(answer: AspectList) -> Iterator[Block]:
    draw = partial(figures.aspects, answer.aspects)
    title = "Net Sentiment of each aspect (reviews)"
    yield Picture(title, _describe_aspects(answer.aspects), draw)
    rows = [
        (
            *(aspect.aspect, words.count(aspect.mentions), words.count(aspect.reviews)),
            *(words.share(aspect.negative_share), words.net(aspect.net_sentiment)),
        )
        for aspect in answer.aspects
    ]
    yield Table("In numbers", ("aspect", "mentions", "reviews", "negative", "net sentiment"), rows)
    for aspect in answer.aspects:
        if aspect.quotes:
            quotes = [quote(each) for each in aspect.quotes[:_MAX_QUOTES]]
            yield Quotes(f"“{aspect.aspect}”", quotes)
    yield Paragraph(
        f"Found in {words.many(answer.reviews_read, 'analysed review')}.", weight="note"
    )


def _describe_aspects(aspects: Sequence[Aspect]) -> str:
    low = min(aspects, key=lambda aspect: aspect.net_sentiment)
    high = max(aspects, key=lambda aspect: aspect.net_sentiment)
    return (
        f"Net Sentiment of {words.many(len(aspects), 'aspect')}. Best: {high.aspect} "
        f"({words.net(high.net_sentiment)}); worst: {low.aspect} ({words.net(low.net_sentiment)})."
    )


def stars(part: Part[Ratings]) -> Section:
    """The distribution of stars."""
    name, title = "stars", "Stars given"
    if isinstance(part, Missing):
        return Section(name, title, missing=part.reason)
    rated = sum(part.counts.values())
    if not rated:
        return Section(name, title, [Paragraph("No review of this period has stars.")])
    shares = [f"{number}: {words.share(n / rated)}" for number, n in part.counts.items()]
    alt = f"Share of reviews by number of stars. {'; '.join(shares)}."
    note = f"Of {words.many(part.read, 'review')}"
    note += ", the newest; there are more." if part.more else "."
    if part.unrated:
        note += f" {words.count(part.unrated)} without stars are left out."
    picture = Picture("Reviews by stars", alt, partial(figures.ratings, part))
    return Section(name, title, [picture, Paragraph(note, weight="note")])


def mismatches(part: Part[Selected]) -> Section:
    """Reviews whose stars, text and pictures contradict each other."""
    name, title = "mismatches", "Stars, texts and pictures that disagree"
    if isinstance(part, Missing):
        return Section(name, title, missing=part.reason)
    if not part.reviews:
        return Section(name, title, [Paragraph("No review contradicts itself.")])
    number = f"At least {words.count(part.read)}" if part.more else words.count(part.read)
    lead = f"{number} in total; these have the clearest texts:"
    quotes = []
    for review in part.reviews:
        plain = quote(review)
        kind = _MISMATCHES.get(review.mismatch or "", "")
        quotes.append(Quote(plain.text, f"{plain.origin}; {kind}", plain.sentiment))
    return Section(name, title, [Paragraph(lead), Quotes("Mismatched reviews", quotes)])


def duplicates(part: Part[DuplicatePage]) -> Section:
    """Texts that occur more than once."""
    name, title = "duplicates", "Repeated and copied reviews"
    if isinstance(part, Missing):
        return Section(name, title, missing=part.reason)
    if not part.groups:
        return Section(name, title, [Paragraph("No text occurs more than once.")])
    blocks: list[Block] = [
        Quotes("Texts that occur more than once", [_group(group) for group in part.groups])
    ]
    if part.next_cursor:
        blocks.append(Paragraph("There are more; the largest come first.", weight="note"))
    return Section(name, title, blocks)


def _group(group: DuplicateGroup) -> Quote:
    facts = ["the same words" if group.kind == "exact" else "nearly the same words"]
    facts.append(words.many(group.reviews, "review"))
    facts.append(words.many(group.products, "product"))
    facts.append(words.many(group.reviewers, "reviewer"))
    if group.first_day and group.last_day:
        facts.append(f"{words.day(group.first_day)} to {words.day(group.last_day)}")
    return Quote(clip(group.text or ""), ", ".join(facts), None)


def single_reviews(name: str, title: str, part: Part[Selected]) -> Section:
    """Typical reviews, quoted."""
    if isinstance(part, Missing):
        return Section(name, title, missing=part.reason)
    if not part.reviews:
        return Section(name, title, [Paragraph("There is none.")])
    quotes = Quotes("In their own words", [quote(review) for review in part.reviews])
    return Section(name, title, [quotes, Paragraph(chosen_from(part), weight="note")])


def products(largest: Part[list[Product]], weakest: Part[list[Product]]) -> Section:
    """Products with most reviews, and those with the lowest net sentiment."""
    name, title = "products", "Products"
    if isinstance(largest, Missing):
        return Section(name, title, missing=largest.reason)
    if not largest:
        return Section(name, title, [Paragraph("There is no product.")])
    blocks: list[Block] = []
    pairs = [(p.title or p.product_id, p.net_sentiment) for p in largest]
    analysed = [(label, value) for label, value in pairs if value is not None]
    if analysed:
        low, high = min(analysed, key=lambda pair: pair[1]), max(analysed, key=lambda pair: pair[1])
        alt = (
            f"Net Sentiment of the {len(analysed)} products with most reviews. "
            f"Best: {high[0]} ({words.net(high[1])}); worst: {low[0]} ({words.net(low[1])})."
        )
        blocks.append(Picture("Net Sentiment", alt, partial(figures.products, analysed)))
    blocks.append(_product_table("Most reviews", largest))
    if not isinstance(weakest, Missing) and weakest:
        blocks.append(_product_table("Lowest Net Sentiment", weakest))
    return Section(name, title, blocks)


def _product_table(title: str, products: Sequence[Product]) -> Table:
    rows = [
        (
            *(product.product_id, product.title or "", words.count(product.reviews)),
            words.count(product.analysed),
            *(words.stars(product.mean_rating, digits=2), *words.shares(product.sentiment_shares)),
            words.net(product.net_sentiment),
        )
        for product in products
    ]
    head = ("product", "title", "reviews", "analysed", "stars", *_SHARES, "net")
    return Table(title, head, rows, words=frozenset({0, 1}))


def segments(material: Material) -> Section:
    """Figures by category and by source."""
    name, title = "segments", "Categories and sources"
    parts = [("Categories", material.categories), ("Sources", material.sources)]
    reasons = [part.reason for _, part in parts if isinstance(part, Missing)]
    if len(reasons) == len(parts):
        return Section(name, title, missing=reasons[0])
    blocks: list[Block] = []
    for kind, part in parts:
        if not isinstance(part, Missing) and part:
            blocks += _segment_blocks(_kind(material, kind), part)
    if not blocks:
        return Section(name, title, [Paragraph("The reviews have no category and no source.")])
    return Section(name, title, blocks)


def _kind(material: Material, kind: str) -> str:
    if kind == "Categories" and material.product is not None:
        return "The whole category, for comparison"
    return kind


def _segment_blocks(kind: str, groups: Sequence[Group]) -> Iterator[Block]:
    shown = groups[:_MAX_GROUPS]
    if sum(group.figures.sentiment_shares is not None for group in shown) > 1:
        alt = f"{kind}: shares of negative, neutral and positive reviews, as in the table below."
        yield Picture(kind, alt, partial(figures.segments, shown))
    rows = [
        (
            *(group.name or "unknown", words.count(group.figures.reviews)),
            words.count(group.figures.analysed),
            words.stars(group.figures.mean_rating, digits=2),
            *words.shares(group.figures.sentiment_shares),
            words.net(group.figures.net_sentiment),
        )
        for group in shown
    ]
    yield Table(
        f"{kind}, in numbers", ("name", "reviews", "analysed", "stars", *_SHARES, "net"), rows
    )


def about(material: Material) -> Section:
    """What the figures mean, and which reviews they cover."""
    texts = list(_ABOUT)
    if material.scope.first_day or material.scope.last_day:
        texts.append(
            "The period applies to the overview, the trends, the change, the stars and the single "
            "reviews. Aspects, repeated reviews, products and categories are of all reviews."
        )
    return Section("about", "About these figures", [Paragraph(text) for text in texts])
