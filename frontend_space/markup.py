"""Pieces of HTML. Whatever comes from a review, a visitor or a server is escaped here."""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from html import escape

from frontend_space.answers import Freshness, Review, Split

LABELS = ("negative", "neutral", "positive")
_ENTITIES = {ord(c): f"&#{ord(c)};" for c in "`*_[]{}$\\"}
_MAX_SHOWN = 1200


def safe(text: object) -> str:
    """Text as text: no tag, no attribute, no template, and nothing that turns the line around."""
    plain = "".join(c for c in str(text) if c in "\n\t" or unicodedata.category(c)[0] != "C")
    return escape(plain, quote=True).translate(_ENTITIES)


def cut(text: str, most: int = _MAX_SHOWN) -> str:
    """The beginning of a long text."""
    return text if len(text) <= most else f"{text[:most].rstrip()} …"


def note(text: str, kind: str = "info") -> str:
    """A sentence on its own: ``info``, ``empty``, ``warning`` or ``error``."""
    role = "alert" if kind == "error" else "status"
    return f'<p class="note {kind}" role="{role}">{safe(text)}</p>'


def warnings(told: Iterable[str]) -> str:
    """What the API remarked."""
    return "".join(note(_sentence(text), "warning") for text in told)


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text[-1:] in ".!?" else f"{text}."


def badge(sentiment: str | None) -> str:
    """A sentiment as a word on its colour."""
    if sentiment not in LABELS:
        return '<span class="badge none">not analysed</span>'
    return f'<span class="badge {sentiment}">{sentiment}</span>'


def stars(rating: float | None) -> str:
    """Stars, said as a number for those who do not see them."""
    if rating is None:
        return ""
    full = max(0, min(5, round(rating)))
    drawn = "★" * full + "☆" * (5 - full)
    return f'<span class="stars" role="img" aria-label="{rating:g} of 5 stars">{drawn}</span>'


def bars(split: Split, what: str) -> str:
    """Three bars with their shares in words."""
    rows = "".join(
        f'<div class="bar"><span class="name">{name}</span>'
        f'<span class="track" aria-hidden="true"><span class="fill {name}"'
        f' style="width:{100 * _share(split, name):.1f}%"></span></span>'
        f'<span class="value">{100 * _share(split, name):.1f}%</span></div>'
        for name in LABELS
    )
    return f'<div class="bars" role="group" aria-label="{safe(what)}">{rows}</div>'


def _share(split: Split, name: str) -> float:
    return max(0.0, min(1.0, float(getattr(split, name))))


def day(when: date | datetime | None) -> str:
    """A day as people write it."""
    return "" if when is None else f"{when.day} {when:%B %Y}"


def card(review: Review, *, why: str = "") -> str:
    """A review: what it says, and what is known of it."""
    facts = [badge(review.sentiment), stars(review.rating)]
    facts += [
        f"<span>{safe(fact)}</span>"
        for fact in (review.product_id, day(review.reviewed_at))
        if fact
    ]
    if review.similarity is not None:
        facts.insert(0, f'<span class="score">{100 * review.similarity:.0f}% alike</span>')
    if review.mismatch:
        facts.append(safe(review.mismatch.replace("_", " ")))
    title = f"<h4>{safe(cut(review.title, 200))}</h4>" if review.title else ""
    reason = f'<p class="why">Why: {safe(why)}</p>' if why else ""
    return (
        f'<li class="card"><div class="facts">{" ".join(fact for fact in facts if fact)}</div>'
        f"{title}<p>{safe(cut(review.text))}</p>{reason}</li>"
    )


def cards(found: Sequence[str], empty: str) -> str:
    """Cards one below the other, or a sentence where there are none."""
    return f'<ul class="cards">{"".join(found)}</ul>' if found else note(empty, "empty")


def section(title: str, body: str) -> str:
    """A part with a heading."""
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


def fresh(found: Freshness | None) -> str:
    """How fresh figures are; where the server does not tell, when they were asked for."""
    if found is None:
        told = f"Asked at {datetime.now(UTC):%H:%M} UTC; this server does not say more."
    else:
        told = f"Reviews up to {found.as_of.astimezone(UTC):%d %B %Y, %H:%M:%S} UTC."
        if found.pending_reviews:
            told += f" {found.pending_reviews:,} more are on their way into these figures."
        else:
            told += " None are waiting."
    return f'<p class="fresh">{safe(told)}</p>'


def net(value: float | None) -> str:
    """Net sentiment with its sign."""
    return "n/a" if value is None else f"{value:+.0f}"


def mean(value: float | None) -> str:
    """Mean stars."""
    return "n/a" if value is None else f"{value:.2f}"


def share(value: float | None) -> str:
    """A share in percent."""
    return "n/a" if value is None else f"{100 * value:.0f}%"
