"""Converts emoji to words, because tokenizers do not know most emoji."""

import re
from typing import NamedTuple

import emoji

_CANDIDATE = re.compile("[\u203c-\u3299\U0001f000-\U0001faff]")
_SKIN_TONE_OR_STYLE = re.compile("[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f]")
_JOINER = "\u200d"
_MAX_JOINERS = 10
"""Joiners in one emoji: families have three. Reading a sequence takes quadratic time."""
_LONG_SEQUENCE = re.compile(f"(?:[^{_JOINER}\\s]{{1,4}}{_JOINER}){{{_MAX_JOINERS + 1},}}")
_TEXT_SYMBOLS = re.compile("[\x00-\xff\u203c\u2049\u2122\u2139\u2190-\u21ff]")
"""Symbols that the emoji standard lists, but that reviews use as text: ©, ™, arrows, digits."""

_WORDS = {
    "very angry": "😡🤬👿😾",
    "annoyed": "😠😤🙄😒",
    "frustrated": "😩😫😖😣🤦",
    "bad": "👎",
    "disappointed": "😞😔😟💔",
    "sad": "😢😭😿🥺",
    "disgusting": "🤮🤢",
    "awful": "🖕",
    "shocked": "😱",
    "no": "❌🚫🙅",
    "meh": "😐😑😶",
    "amazing": "🤩",
    "perfect": "💯👌",
    "thank you": "🙏",
    "well done": "👏🙌",
    "love": "😘😍🥰😻❤♥💕💖💗💓💞💘💝",
    "laughing": "🤣😂😆",
    "good": "👍✅✔",
    "celebration": "🎉🥳",
}
_MEANINGS = {sign: words for words, signs in _WORDS.items() for sign in signs}
"""Words for emoji whose names describe the drawing and not the meaning."""


class _Match(NamedTuple):
    start: int
    end: int
    emoji: str


def replace_emoji(text: str) -> str:
    """Replace emoji by words; text without emoji stays as it is.

    An emoji that is repeated counts once. Skin tones are dropped.
    """
    text = _split_long_sequences(text)
    matches = _find(text)
    if not matches:
        return text
    parts: list[str] = []
    end, previous = 0, ""
    for match in matches:
        between = text[end : match.start]
        words = _words(match.emoji)
        parts.append(between)
        if words != previous or between.strip():
            parts.append(f" {words} ")
        end, previous = match.end, words
    return " ".join("".join([*parts, text[end:]]).split())


def remove_emoji(text: str) -> str:
    """Remove emoji; text without emoji stays as it is."""
    text = _split_long_sequences(text)
    matches = _find(text)
    if not matches:
        return text
    ends = [0, *(match.end for match in matches)]
    starts = [*(match.start for match in matches), len(text)]
    return " ".join(text[a:b] for a, b in zip(ends, starts, strict=True))


def _split_long_sequences(text: str) -> str:
    if text.isascii() or text.count(_JOINER) <= _MAX_JOINERS:
        return text
    return _LONG_SEQUENCE.sub(lambda sequence: sequence[0].replace(_JOINER, ""), text)


def _find(text: str) -> list[_Match]:
    if text.isascii() or not _CANDIDATE.search(text):
        return []
    return [
        _Match(match["match_start"], match["match_end"], match["emoji"])
        for match in emoji.emoji_list(text)
        if not _TEXT_SYMBOLS.match(match["emoji"])
    ]


def _words(sign: str) -> str:
    """The meaning of an emoji, or its name in the Unicode standard."""
    plain = _SKIN_TONE_OR_STYLE.sub("", sign)
    # a woman or a man who makes a gesture means the gesture
    words = _MEANINGS.get(plain) or _MEANINGS.get(plain.partition(_JOINER)[0])
    if words:
        return words
    name = emoji.demojize(plain, delimiters=("", ""))
    return name.replace("_", " ")
