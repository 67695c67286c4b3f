"""Selects the quotes that an answer shows."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.schemas.quotes import Quote

_MAX_QUOTES = 3


def first_quotes(rows: Iterable[Mapping[str, Any]]) -> list[Quote]:
    """The first quotes, at most three, without repeated texts.

    Args:
        rows: with the fields of a quote, the best first.
    """
    quotes: dict[str, Quote] = {}
    for row in rows:
        if len(quotes) < _MAX_QUOTES:
            quote = Quote(**{name: row[name] for name in Quote.model_fields})
            quotes.setdefault(quote.text.casefold(), quote)
    return list(quotes.values())
