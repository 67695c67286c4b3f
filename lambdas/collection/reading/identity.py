"""Identities of reviews and reviewers, without file names, positions or plain names."""

import hmac
import json
from collections.abc import Callable, Iterable
from hashlib import blake2b, sha256
from typing import Any

from lambdas.collection.reading.values import parse_identifier

_MAX_ID_CHARACTERS = 200


def reviewer_keys(key: bytes) -> Callable[[str], str]:
    """Make the function that hashes reviewers' identities with the deployment's secret.

    It returns 32 hex digits of HMAC-SHA-256 and prepares the secret only once.
    """
    keyed = hmac.new(key, digestmod="sha256")

    def key_of(reviewer: str) -> str:
        digest = keyed.copy()
        digest.update(reviewer.encode("utf-8", "replace"))
        return digest.hexdigest()[:32]

    return key_of


def bounded_id(value: str) -> str:
    """Shorten an identifier to fit into a database index; the shortened one ends in its hash."""
    if len(value) <= _MAX_ID_CHARACTERS:
        return value
    return f"{value[:160]}~{blake2b(value.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"


def review_id_of(source: str, source_id: str) -> str:
    """Identity of a review whose source has review ids."""
    return f"{source}:{bounded_id(source_id)}"


def content_id(
    product_id: str | None,
    reviewer_key: str | None,
    rating: float | None,
    micros: int | None,
    title: str | None,
    text: str,
    *,
    own_id: str = "",
) -> str:
    """Identity of a review without an id: a hash of its text, product, reviewer and date.

    ``own_id`` is its id in a dump of an unknown source. It distinguishes rows of one dump that are
    otherwise equal, and is not an identity by itself: other dumps may use the same ids.

    The reviewer enters as a keyed hash; with the plain identity, names could be tested against the
    review's id.
    """
    content = f"{product_id}\x1f{reviewer_key}\x1f{rating}\x1f{micros}\x1f{title}\x1f{text}"
    if own_id:
        content += f"\x1f{own_id}"
    return "h:" + blake2b(content.encode("utf-8", "replace"), digest_size=16).hexdigest()


def row_ids(key: bytes) -> Callable[[Iterable[tuple[str, Any]]], str]:
    """Make the function that identifies a review by all columns of its row.

    It hashes names and values, whatever the order of columns; a missing value counts as absent. The
    hash is keyed, as a row may name its reviewer.
    """
    secret = sha256(b"rows\0" + key).digest()

    def id_of(row: Iterable[tuple[str, Any]]) -> str:
        parts = [
            f"{name}\x1e{value}"
            for name, raw in row
            if (value := raw if raw.__class__ is str else _value_text(raw))
        ]
        parts.sort()
        content = "\x1f".join(parts).encode("utf-8", "replace")
        return "h:" + blake2b(content, digest_size=16, key=secret).hexdigest()

    return id_of


def _value_text(value: Any) -> str | None:
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, sort_keys=True, default=str)
    return parse_identifier(value)
