"""Noise that keeps the letters of words: truncation, case, punctuation, symbols."""

import random
import re

from sagemaker_jobs.evaluate.robustness.words import (
    per_word,
    sample_count,
    split,
    text_generator,
    unless_blank,
)

_MARKS = re.compile(r"[.,;:!?\"'()\-\u2013\u2014\u2018\u2019\u201c\u201d\u2026]")
_ADDED = ("!!!", "...", "??", ",", " -", ";", "!", "…")
_EMOJI = ("📦", "📱", "🔌", "🛒", "📷", "🕑", "🔧", "🏠", "💬", "👀", "➡️", "🔋")
"""Objects rather than faces, which would express a sentiment."""
_LOOKALIKES = {
    "...": "\u2026",
    "'": "\u2019",
    '"': "\u201d",
    "-": "\u2013",
    "and": "&amp;",
    "&": "&amp;",
}
_WRAPPERS = (
    ("*", "*"),
    ("_", "_"),
    ("~", "~"),
    ("<b>", "</b>"),
    ("#", ""),
    ("", "™"),
    ("\u200b", ""),
)


def truncation(text: str, strength: float, seed: int) -> str:
    """Remove a share of the words from the end; at least one word stays."""
    parts = split(text)
    words = [index for index, part in enumerate(parts) if not part.isspace()]
    removed = min(sample_count(len(words), strength, text_generator(text, seed)), len(words) - 1)
    return text if removed <= 0 else unless_blank("".join(parts[: words[-removed]]).rstrip(), text)


def _change_case(word: str, generator: random.Random) -> str:
    forms = (word.upper(), word.lower(), word.title(), word.swapcase())
    different = [form for form in forms if form != word]
    return generator.choice(different) if different else word


def _remove_marks(word: str, _: random.Random) -> str:
    return _MARKS.sub("", word)


def _has_marks(word: str) -> bool:
    return bool(_MARKS.search(word))


def _add_marks(word: str, generator: random.Random) -> str:
    return word + generator.choice(_ADDED)


def _add_emoji(word: str, generator: random.Random) -> str:
    return f"{word} {generator.choice(_EMOJI)}"


def _add_special(word: str, generator: random.Random) -> str:
    """Replace a mark by a typographic one or an entity; without any, put marks around the word."""
    for plain, special in _LOOKALIKES.items():
        if plain in word and (not plain.isalpha() or word == plain):
            return word.replace(plain, special)
    before, after = generator.choice(_WRAPPERS)
    return f"{before}{word}{after}"


case = per_word(_change_case, lambda word: any(letter.isalpha() for letter in word))
punctuation_removed = per_word(_remove_marks, _has_marks)
punctuation_added = per_word(_add_marks)
emoji = per_word(_add_emoji)
special_characters = per_word(_add_special)
