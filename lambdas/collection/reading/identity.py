"""Who wrote it and which review it is, without file names, positions or plain identities."""

import hmac
from collections.abc import Callable
from hashlib import blake2b

_LONGEST_ID = 200


def reviewer_keys(key: bytes) -> Callable[[str], str]:
    """Make the function that hashes reviewers' identities under the deployment's secret.

    It gives HMAC-SHA-256, 32 hex digits; the secret is taken in once.
    """
    keyed = hmac.new(key, digestmod="sha256")

    def key_of(reviewer: str) -> str:
        digest = keyed.copy()
        digest.update(reviewer.encode("utf-8", "replace"))
        return digest.hexdigest()[:32]

    return key_of


def bounded_id(value: str) -> str:
    """Keep an identifier short enough for an index; a longer one ends in its own hash."""
    if len(value) <= _LONGEST_ID:
        return value
    return f"{value[:160]}~{blake2b(value.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"


def review_id_of(source: str, source_id: str) -> str:
    """Identity of a review whose source numbers its reviews."""
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
    """Identity of a review without an id: a hash over what it says, about what, by whom and when.

    ``own_id`` is the number that a dump of no known source gave it: it tells rows of one dump apart
    that say the same, and cannot stand alone, since every such dump may begin with 1.

    The reviewer goes in as keyed hash: with the plain identity anybody could try names against the
    review's id.
    """
    content = f"{product_id}\x1f{reviewer_key}\x1f{rating}\x1f{micros}\x1f{title}\x1f{text}"
    if own_id:
        content += f"\x1f{own_id}"
    return "h:" + blake2b(content.encode("utf-8", "replace"), digest_size=16).hexdigest()
