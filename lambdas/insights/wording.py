"""Numbers, days, names and quotations in the sentences of a summary."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from shared.schemas.quotes import Quote

_SENTENCE_END = re.compile(r"[.!?\u2026][\"')\]\u201d\u2019]*$")
_MIN_WRITTEN = 3
"""Occurrences that show how a name is written."""
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)


def share(count: int, total: int) -> str:
    """A share in whole percent; only nothing is 0% and only everything 100%."""
    percent = 100 * count / total
    if 0 < percent < 1:
        return "under 1%"
    if 99 < percent < 100:
        return "over 99%"
    return f"{int(percent + 0.5)}%"


def part(count: int, total: int, noun: str = "reviews", which: str = "") -> str:
    """A part of some reviews with its share: 23 of 110 reviews (21%).

    Args:
        count: how many.
        total: of how many.
        noun: what they are.
        which: which of more reviews, such as "the newest": 23 of the newest 110 reviews.
    """
    if count == total:
        return f"all {f'of {which} ' * bool(which)}{total:,} {noun}".rstrip()
    number = f"{count:,}" if count else "none"
    percent = f" ({share(count, total)})" if count else ""
    which = f"{which} " * bool(which)
    return f"{number} of {which}{total:,} {noun}".rstrip() + percent


def reviews(count: int) -> str:
    """A number of reviews."""
    return "1 review" if count == 1 else f"{count:,} reviews"


def day(value: date) -> str:
    """A day: 16 March 2026."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def joined(parts: Sequence[str]) -> str:
    """Parts of a list: a, b and c."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def quotation(quote: Quote | None) -> str:
    """A colon and a quotation as the end of a sentence; without a quotation, its full stop."""
    if quote is None:
        return "."
    return f": “{quote.text}”" + "." * (not _SENTENCE_END.search(quote.text))


def in_brackets(quote: Quote | None) -> str:
    """A quotation in brackets; empty without one."""
    return f" (“{quote.text}”)" if quote is not None else ""


def form_of(aspect: str) -> str:
    """A regular expression of an aspect as reviews write it, in the singular or the plural."""
    *first, last = aspect.split()
    stem = last.removesuffix("y")
    words = [*map(re.escape, first), rf"(?:{re.escape(last)}(?:e?s)?|{re.escape(stem)}ies)"]
    return r"\b" + r"[\s-]+".join(words) + r"\b"


def spoken_name(aspect: str, texts: Iterable[str]) -> str:
    """An aspect as most reviews write it, in the singular or the plural, with its article.

    Args:
        aspect: in lower case and singular.
        texts: sentences that mention it.
    """
    pattern = re.compile(form_of(aspect), re.IGNORECASE)
    matches = [match for text in texts for match in pattern.finditer(text)]
    forms = Counter(match[0].casefold() for match in matches)
    if not forms:
        return f"the {aspect}"
    form = max(sorted(forms), key=lambda each: (forms[each], each == aspect))
    # capitals count inside of a sentence only: "USB", "Kindle"
    inside = [match for match in matches if match.start() and match[0].casefold() == form]
    written = Counter(match[0] for match in inside)
    usual = max(sorted(written), key=lambda each: written[each]) if written else form
    if len(inside) < _MIN_WRITTEN and not usual.isupper():
        usual = form
    return f"the {' '.join(usual.split())}"
