"""Which names of aspects are worth showing: not a product's own, not parts of phrases."""

import re
from collections.abc import Iterator
from typing import Any

_MIN_PHRASE_SHARE = 0.5
"""Share of a word's reviews from which a phrase replaces it: "belt clip" for "clip"."""
_TITLE_END = re.compile(r",|;|\||\(|:|/| - | with | for | w/ |\.", re.IGNORECASE)


def is_product_name(aspect: str, title: str | None) -> bool:
    """Return whether an aspect is the product's name: the words before the title's details."""
    if not title:
        return False
    words = re.findall(r"\w+(?:[-']\w+)*", _TITLE_END.split(title.casefold())[0])
    name_words = {*words, *(word.removesuffix("s") for word in words)}
    return all(word in name_words for word in aspect.split())


def drop_parts_of_phrases(
    rows: list[dict[str, Any]], count: str = "reviews"
) -> Iterator[dict[str, Any]]:
    """Yield the rows whose aspect is not covered by a longer phrase.

    Args:
        rows: with ``aspect``, and how many reviews have it in the column ``count``.
        count: the name of that column.
    """
    for row in rows:
        word, reviews = f" {row['aspect']} ", row[count]
        if not any(
            other[count] >= _MIN_PHRASE_SHARE * reviews
            and len(other["aspect"]) > len(row["aspect"])
            and word in f" {other['aspect']} "
            for other in rows
        ):
            yield row
