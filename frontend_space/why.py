"""Why a review was found: words that it shares with the text, and its sentiment."""

import re

_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON = frozenset(
    """the and but for with this that they them their there then than was were are not have has had
    you your our its all any can could would will just very too also more most some one two after
    before when what which who how about into from out off over only been being did does doing get
    got here his her him she because while where these those each other such again once own same
    much many even still really made make""".split()  # noqa: SIM905 - as people write it
)
_SHOWN = 4


def shared_words(text: str, review: str) -> list[str]:
    """Words of content that both have, in the order of the text; plurals count as one word."""
    theirs = {_stem(word) for word in _WORD.findall(review.lower())}
    found: dict[str, str] = {}
    for word in _WORD.findall(text.lower()):
        if word not in _COMMON and _stem(word) in theirs:
            found.setdefault(_stem(word), word)
    return list(found.values())[:_SHOWN]


def reason(text: str, review: str, mine: str | None, theirs: str | None) -> str:
    """One line that says why."""
    words = shared_words(text, review)
    told = [f"shares “{'”, “'.join(words)}”" if words else "says something alike in other words"]
    if mine and mine == theirs:
        told.append(f"{theirs} as well")
    elif mine and theirs:
        told.append(f"but {theirs}")
    return ", ".join(told)


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)].rstrip("e")
    return word.rstrip("e")
