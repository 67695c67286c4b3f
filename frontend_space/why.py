"""Why a review matches: words that it shares with the text, and its sentiment."""

import re

_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON = frozenset(
    """the and but for with this that they them their there then than was were are not have has had
    you your our its all any can could would will just very too also more most some one two after
    before when what which who how about into from out off over only been being did does doing get
    got here his her him she because while where these those each other such again once own same
    much many even still really made make""".split()  # noqa: SIM905 - as people write it
)
_MAX_SHARED_WORDS = 4


def shared_words(text: str, review: str) -> list[str]:
    """Content words that both contain, in the order of the text; plurals count as one word."""
    stems = {_stem(word) for word in _WORD.findall(review.lower())}
    shared: dict[str, str] = {}
    for word in _WORD.findall(text.lower()):
        if word not in _COMMON and _stem(word) in stems:
            shared.setdefault(_stem(word), word)
    return list(shared.values())[:_MAX_SHARED_WORDS]


def reason(text: str, review: str, own: str | None, other: str | None) -> str:
    """One line that explains the match.

    Args:
        text: the query.
        review: text of the review.
        own: sentiment of the query, if known.
        other: sentiment of the review.
    """
    words = shared_words(text, review)
    parts = [f"shares “{'”, “'.join(words)}”" if words else "says something similar in other words"]
    if own and own == other:
        parts.append(f"{other} as well")
    elif own and other:
        parts.append(f"but {other}")
    return ", ".join(parts)


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)].rstrip("e")
    return word.rstrip("e")
