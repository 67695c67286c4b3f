"""Noise that leaves the letters of words alone: ends, case, punctuation, symbols."""

import random
import re

from sagemaker_jobs.evaluate.robustness.words import (
    generator_of,
    kept,
    per_word,
    share_of,
    split,
)

_MARKS = re.compile(r"[.,;:!?\"'()\-\u2013\u2014\u2018\u2019\u201c\u201d\u2026]")
_ADDED = ("!!!", "...", "??", ",", " -", ";", "!", "…")
_EMOJI = ("📦", "📱", "🔌", "🛒", "📷", "🕑", "🔧", "🏠", "💬", "👀", "➡️", "🔋")
"""Things, not faces: they say nothing of the sentiment."""
_LOOKALIKES = {
    "...": "\u2026",
    "'": "\u2019",
    '"': "\u201d",
    "-": "\u2013",
    "and": "&amp;",
    "&": "&amp;",
}
_AROUND = (
    ("*", "*"),
    ("_", "_"),
    ("~", "~"),
    ("<b>", "</b>"),
    ("#", ""),
    ("", "™"),
    ("\u200b", ""),
)


def truncation(text: str, strength: float, seed: int) -> str:
    """The last share of the words is missing; at least one word stays."""
    parts = split(text)
    words = [place for place, part in enumerate(parts) if not part.isspace()]
    gone = min(share_of(len(words), strength, generator_of(text, seed)), len(words) - 1)
    return text if gone <= 0 else kept("".join(parts[: words[-gone]]).rstrip(), text)


def _another_case(word: str, generator: random.Random) -> str:
    made = (word.upper(), word.lower(), word.title(), word.swapcase())
    different = [form for form in made if form != word]
    return generator.choice(different) if different else word


def _without_marks(word: str, _: random.Random) -> str:
    return _MARKS.sub("", word)


def _has_marks(word: str) -> bool:
    return bool(_MARKS.search(word))


def _with_marks(word: str, generator: random.Random) -> str:
    return word + generator.choice(_ADDED)


def _with_emoji(word: str, generator: random.Random) -> str:
    return f"{word} {generator.choice(_EMOJI)}"


def _special(word: str, generator: random.Random) -> str:
    """Typographic marks and entities where there is something to replace, else marks around it."""
    for plain, other in _LOOKALIKES.items():
        if plain in word and (not plain.isalpha() or word == plain):
            return word.replace(plain, other)
    before, after = generator.choice(_AROUND)
    return f"{before}{word}{after}"


case = per_word(_another_case, lambda word: any(letter.isalpha() for letter in word))
punctuation_removed = per_word(_without_marks, _has_marks)
punctuation_added = per_word(_with_marks)
emoji = per_word(_with_emoji)
special_characters = per_word(_special)
