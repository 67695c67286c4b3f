"""What explains a change, as HTML: aspects with their shares and sentences from both sides."""

from collections.abc import Sequence

from frontend_space import markup
from reviewlens.models import Cause, Explanation, Quote

_MAX_CAUSES = 3
_MAX_QUOTE_CHARACTERS = 300


def explanation_html(explanation: Explanation | None) -> str:
    """A section with the aspects that explain a change; empty if it is not explained."""
    if explanation is None:
        return ""
    compared = (
        f"Compared: {explanation.reviews_before:,} reviews before and"
        f" {explanation.reviews_after:,} since, {explanation.aspects_tested:,} aspects tested."
    )
    if not explanation.causes:
        note = markup.note("No aspect explains it by more than chance.", "empty")
        return markup.section("What explains it", f'{note}<p class="fresh">{compared}</p>')
    cards = [_card(cause, explanation) for cause in explanation.causes[:_MAX_CAUSES]]
    body = f'{markup.cards(cards, "")}<p class="fresh">{compared}</p>'
    return markup.section("What explains it", body)


def cause_sentence(cause: Cause, explanation: Explanation) -> str:
    """How many reviews complain about an aspect, since the change and before."""
    after, before = markup.share(cause.share_after), markup.share(cause.share_before)
    return (
        f"{after} of {explanation.reviews_after:,} reviews complain about it since,"
        f" {before} of {explanation.reviews_before:,} did before."
    )


def _card(cause: Cause, explanation: Explanation) -> str:
    sentence = markup.safe(cause_sentence(cause, explanation))
    return (
        f'<li class="card aspect"><h4>{markup.safe(cause.aspect)}</h4><p>{sentence}</p>'
        f"{_quotes('Before', cause.quotes_before)}{_quotes('Since', cause.quotes_after)}</li>"
    )


def _quotes(when: str, quotes: Sequence[Quote]) -> str:
    if not quotes:
        return f'<p class="why">{when}: no review mentions it.</p>'
    return f'<p class="why">{when}:</p>' + "".join(map(quote_html, quotes))


def quote_html(quote: Quote) -> str:
    """A sentence of a review with its sentiment and its day."""
    written = f" <small>{markup.safe(markup.day(quote.reviewed_at))}</small>"
    text = markup.safe(markup.cut(quote.text, _MAX_QUOTE_CHARACTERS))
    return f"<blockquote>{markup.badge(quote.sentiment)} “{text}”{written}</blockquote>"
