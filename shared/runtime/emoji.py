"""Converts emoji to words, because tokenizers do not know most emoji."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import emoji

_CANDIDATE = re.compile("[\u203c-\u3299\U0001f000-\U0001faff]")
_SKIN_TONE_OR_STYLE = re.compile("[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f]")
_JOINER = "\u200d"
_WORD = re.compile(r"\S+")
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


class _Piece(NamedTuple):
    """Part of a result, and the position that each of its characters comes from."""

    text: str
    positions: Sequence[int]


def replace_emoji(text: str) -> str:
    """Replace emoji by words; text without emoji stays as it is.

    An emoji that is repeated counts once. Skin tones are dropped.
    """
    text = _split_long_sequences(text)
    matches = _find(text)
    if not matches:
        return text
    return " ".join("".join(piece.text for piece in _replaced(text, matches)).split())


def replace_emoji_aligned(text: str) -> tuple[str, Sequence[int]]:
    """The result of ``replace_emoji``, and the position in ``text`` of each of its characters.

    The characters of the words for an emoji have the position of the emoji.
    """
    kept = _kept_positions(text)
    if len(kept) < len(text):
        text = "".join(text[position] for position in kept)
    matches = _find(text)
    if not matches:
        return text, kept
    pieces = list(_replaced(text, matches))
    joined = "".join(piece.text for piece in pieces)
    positions = [kept[position] for piece in pieces for position in piece.positions]
    words = list(_WORD.finditer(joined))
    # a space stands for the white space behind a word
    spans = [(word.start(), word.end() + (word is not words[-1])) for word in words]
    aligned = [position for start, end in spans for position in positions[start:end]]
    return " ".join(word[0] for word in words), aligned


def remove_emoji(text: str) -> str:
    """Remove emoji; text without emoji stays as it is."""
    text = _split_long_sequences(text)
    matches = _find(text)
    if not matches:
        return text
    ends = [0, *(match.end for match in matches)]
    starts = [*(match.start for match in matches), len(text)]
    return " ".join(text[a:b] for a, b in zip(ends, starts, strict=True))


def _replaced(text: str, matches: Sequence[_Match]) -> Iterator[_Piece]:
    """The parts of a text, with words for emoji."""
    end, previous = 0, ""
    for match in matches:
        words = _words(match.emoji)
        yield _Piece(text[end : match.start], range(end, match.start))
        if words != previous or text[end : match.start].strip():
            yield _Piece(f" {words} ", [match.start] * (len(words) + 2))
        end, previous = match.end, words
    yield _Piece(text[end:], range(end, len(text)))


def _kept_positions(text: str) -> Sequence[int]:
    """Positions of the characters that ``_split_long_sequences`` keeps."""
    if text.isascii() or text.count(_JOINER) <= _MAX_JOINERS:
        return range(len(text))
    removed = {
        position
        for sequence in _LONG_SEQUENCE.finditer(text)
        for position in range(*sequence.span())
        if text[position] == _JOINER
    }
    return [position for position in range(len(text)) if position not in removed]


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
