"""Pieces of HTML. Text from reviews, visitors and servers is escaped here."""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from html import escape

from reviewlens.models import (
    AnalyzeResponse,
    Figures,
    Freshness,
    PicturePreview,
    Probabilities,
    ProductFacts,
    SearchResult,
    SentimentSplit,
    SimilarReview,
    StoredReview,
)

LABELS = ("negative", "neutral", "positive")
NOT_SUPPORTED = "language not supported"
_ENTITIES = {ord(c): f"&#{ord(c)};" for c in "`*_[]{}$\\"}
_MAX_CHARACTERS = 1200
_WHO = {"stars": "the stars are", "text": "the text is", "picture": "the picture is"}


def safe(text: object) -> str:
    """Escape a text: no tag, attribute or template, and no character that reverses the line."""
    plain = "".join(c for c in str(text) if c in "\n\t" or unicodedata.category(c)[0] != "C")
    return escape(plain, quote=True).translate(_ENTITIES)


def cut(text: str, limit: int = _MAX_CHARACTERS) -> str:
    """The beginning of a long text."""
    return text if len(text) <= limit else f"{text[:limit].rstrip()} …"


def note(text: str, kind: str = "info") -> str:
    """A sentence on its own: ``info``, ``empty``, ``warning`` or ``error``."""
    role = "alert" if kind == "error" else "status"
    return f'<p class="note {kind}" role="{role}">{safe(text)}</p>'


def warnings(texts: Iterable[str]) -> str:
    """Warnings of the API."""
    return "".join(note(_sentence(text), "warning") for text in texts)


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text[-1:] in ".!?" else f"{text}."


def badge(sentiment: str | None, *, analysed: bool = False) -> str:
    """A sentiment as a word on its colour; analysed without one: the model does not know it."""
    if sentiment not in LABELS:
        return f'<span class="badge none">{NOT_SUPPORTED if analysed else "not analysed"}</span>'
    return f'<span class="badge {sentiment}">{sentiment}</span>'


def stars(rating: float | None) -> str:
    """Stars, with their number for screen readers."""
    if rating is None:
        return ""
    full = max(0, min(5, round(rating)))
    drawn = "★" * full + "☆" * (5 - full)
    return f'<span class="stars" role="img" aria-label="{rating:g} of 5 stars">{drawn}</span>'


def bars(split: SentimentSplit | Probabilities, label: str) -> str:
    """Three bars with their shares as text."""
    rows = "".join(
        f'<div class="bar"><span class="name">{name}</span>'
        f'<span class="track" aria-hidden="true"><span class="fill {name}"'
        f' style="width:{100 * _share(split, name):.1f}%"></span></span>'
        f'<span class="value">{100 * _share(split, name):.1f}%</span></div>'
        for name in LABELS
    )
    return f'<div class="bars" role="group" aria-label="{safe(label)}">{rows}</div>'


def _share(split: SentimentSplit | Probabilities, name: str) -> float:
    return max(0.0, min(1.0, float(getattr(split, name))))


def day(moment: date | datetime | None) -> str:
    """A day as people write it."""
    return "" if moment is None else f"{moment.day} {moment:%B %Y}"


def card(
    review: SimilarReview | StoredReview, *, why: str = "", picture: PicturePreview | None = None
) -> str:
    """A review with its text and its facts.

    Args:
        review: a search result or a stored review.
        why: the reason why it matches.
        picture: a picture of the review; a search result has its own.
    """
    heading = f"<h4>{safe(cut(review.title, 200))}</h4>" if review.title else ""
    reason = f'<p class="why">Why: {safe(why)}</p>' if why else ""
    text = review.text if isinstance(review, StoredReview) else review.review_text
    return (
        f'<li class="card"><div class="facts">{" ".join(_facts(review))}</div>'
        f"{heading}{_picture(review, picture)}<p>{safe(cut(text))}</p>{reason}</li>"
    )


def _picture(review: SimilarReview | StoredReview, picture: PicturePreview | None) -> str:
    shown = picture if isinstance(review, StoredReview) else review.picture
    return image(shown, "Picture of a customer") if shown else ""


def _facts(review: SimilarReview | StoredReview) -> list[str]:
    """Facts of a review as HTML, those that are known."""
    written = review.reviewed_at if isinstance(review, SearchResult | StoredReview) else None
    # the index has no review that is not analysed
    analysed = isinstance(review, SimilarReview) or review.model_version is not None
    facts = [badge(review.sentiment, analysed=analysed), stars(review.rating)]
    about = product_facts(review).values() if isinstance(review, SearchResult) else ()
    words = (review.product_id, *about, day(written))
    facts += [f"<span>{safe(word)}</span>" for word in words if word]
    if isinstance(review, SimilarReview):
        what = " picture" if review.matched == "image" else ""
        score = f"{100 * review.similarity_score:.0f}% similar{what}"
        facts.insert(0, f'<span class="score">{score}</span>')
    else:
        facts += ["<span>mixed: praise and complaint</span>"] if review.mixed else []
        who = disagreement(review)
        facts += [f"<span>{who}</span>"] if who else []
    return [fact for fact in facts if fact]


def disagreement(review: StoredReview | AnalyzeResponse) -> str:
    """Which two of stars, text and picture contradict each other, and which one is against both."""
    if review.mismatch is None:
        return ""
    first, side, second = review.mismatch.split("_")
    both = f"; {_WHO[review.disagrees]} against both others" if review.disagrees else ""
    return f"{_WHO[first]} {side} the {second}{both}"


def product_facts(product: ProductFacts) -> dict[str, str]:
    """The facts of a product by their labels, those that are known."""
    facts = {name.capitalize(): getattr(product, name) for name in ProductFacts.model_fields}
    return {label: fact for label, fact in facts.items() if fact}


def image(picture: PicturePreview, alt: str) -> str:
    """A picture as the API encoded it anew; no address of a picture is ever in the page."""
    return (
        f'<img src="data:{picture.media_type};base64,{safe(picture.data)}" width="{picture.width}"'
        f' height="{picture.height}" alt="{safe(alt)}">'
    )


def cards(items: Sequence[str], empty: str) -> str:
    """A list of cards, or a sentence where there are none."""
    return f'<ul class="cards">{"".join(items)}</ul>' if items else note(empty, "empty")


def section(title: str, body: str) -> str:
    """A section with a heading."""
    return f"<section><h3>{safe(title)}</h3>{body}</section>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """A table; cells are HTML, the head and the caption are text."""
    top = "".join(f'<th scope="col">{safe(name)}</th>' for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{safe(caption)}"><table>'
        f"<caption>{safe(caption)}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def fresh(freshness: Freshness) -> str:
    """How fresh figures are, and how many stored reviews are not analysed."""
    sentences = [f"Reviews up to {freshness.as_of.astimezone(UTC):%d %B %Y, %H:%M:%S} UTC."]
    if freshness.pending_reviews:
        sentences.append(f"{freshness.pending_reviews:,} more are not yet in these figures.")
    if freshness.not_analysed:
        sentences.append(f"{freshness.not_analysed:,} stored reviews are not analysed yet.")
    if len(sentences) == 1:
        sentences.append("All stored reviews are analysed.")
    return f'<p class="fresh">{safe(" ".join(sentences))}</p>'


def base(figures: Figures) -> str:
    """How many of the reviews a share or net sentiment is computed from."""
    parts = [f"{figures.analysed:,} of {figures.reviews:,} reviews are analysed"]
    if figures.not_analysed:
        parts.append(f"{figures.not_analysed:,} are waiting")
    if figures.not_understood:
        parts.append(f"{figures.not_understood:,} are in a language that is not supported")
    return "; ".join(parts)


def net(value: float | None) -> str:
    """Net sentiment with its sign."""
    return "n/a" if value is None else f"{value:+.0f}"


def mean(value: float | None) -> str:
    """Mean stars."""
    return "n/a" if value is None else f"{value:.2f}"


def share(value: float | None) -> str:
    """A share as a percentage."""
    return "n/a" if value is None else f"{100 * value:.0f}%"
