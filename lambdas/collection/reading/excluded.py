"""Recognises rows of excluded reviewers and products, also in rows that cannot be read."""

import json
import re
from collections.abc import Iterator
from typing import Any

from lambdas.collection.reading.cleaning import TooComplexError, clean_text
from lambdas.collection.reading.identity import bounded_id, reviewer_keys
from lambdas.collection.reading.records import Bad
from lambdas.collection.reading.values import parse_identifier
from shared.schemas.exclusions import ExcludedKeys
from shared.schemas.ingest import RejectReason

EXCLUDED = Bad(RejectReason.EXCLUDED, "its reviewer or product is excluded")
_SEPARATORS = tuple(
    re.compile(pattern)
    for pattern in (
        *(r'["\n\r]+', r"[,\n\r]+", r"[;\n\r]+", r"[\t\n\r]+", r"[|\n\r]+", r"[:=\n\r]+"),
        r"""[\s,;:|"'=<>()\[\]{}]+""",
    )
)
"""A raw text is split at quotes, at each delimiter, and between words, as an id may have some."""
_QUOTES = " \t'\""
_MAX_DEPTH = 20


class Excluded:
    """What to leave out of a dump."""

    def __init__(self, keys: ExcludedKeys, reviewer_key: bytes) -> None:
        self._reviewers, self._products = keys.reviewers, keys.products
        self._key_of = reviewer_keys(reviewer_key)

    def __bool__(self) -> bool:
        return bool(self._reviewers or self._products)

    def has(self, product_id: str | None, reviewer_key: str | None) -> bool:
        """Whether a row is excluded."""
        return product_id in self._products or reviewer_key in self._reviewers

    def names(self, text: str) -> bool:
        """Whether the raw text of a row that cannot be read has an id that is excluded."""
        return any(self._is_excluded(piece) for piece in {*_pieces(text)})

    def _is_excluded(self, piece: str) -> bool:
        name = parse_identifier(piece) if self._reviewers else None
        product = product_of(piece) if self._products else None
        return self.has(product, self._key_of(name) if name else None)


def reviewer_key_of(reviewer: str, key: bytes) -> str | None:
    """The keyed hash of a reviewer's id, as rows have it; None if no row has this id."""
    name = parse_identifier(reviewer)
    return reviewer_keys(key)(name) if name else None


def product_of(product_id: str) -> str | None:
    """A product's id as rows have it; None if no row has this id."""
    name = parse_identifier(product_id)
    try:
        return bounded_id(clean_text(name)) or None if name else None
    except TooComplexError:
        return None


def _pieces(text: str) -> Iterator[str]:
    yield text.strip()
    for separator in _SEPARATORS:
        for piece in separator.split(text):
            yield piece.strip(_QUOTES)
    if text.lstrip()[:1] in ("{", "["):
        try:
            yield from _scalars(json.loads(text), _MAX_DEPTH)
        except (ValueError, RecursionError):
            return


def _scalars(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, dict | list) and depth:
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _scalars(inner, depth - 1)
    elif isinstance(value, str | int | float):
        yield str(value)
