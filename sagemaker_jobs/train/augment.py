"""Noise for training: texts as typed in a hurry.

It shares no code and no word list with the robustness evaluation: a model must not be tested on the
same noise that it was trained on.
"""

import random

_MISTYPED_SHARE = 0.12
"""Share of a text's words that are mistyped or get marks."""
_MIN_LETTERS = 3
"""Minimum letters of a mistyped word; shorter ones would become other words."""
_STRIPPED_SHARE = 0.3
"""Share of the texts with changed marks that lose theirs."""
_MARKS = '.,!?;:-"()'
_ADDED_MARKS = ("!", "?", ",", ";", "!!", "..", ",,", *(f" {mark}" for mark in "-*~#|=^☺★●"))
_ADJACENT = {
    letter: adjacent
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for letter, adjacent in zip(row, row[1:] + row[-2], strict=True)
}


def add_noise(text: str, generator: random.Random) -> str:
    """Add one kind of noise: mistyped words, changed marks, another case, or a missing end."""
    kind = generator.choices(("typing", "marks", "case", "end"), (5, 3, 1, 1))[0]
    if kind == "case":
        return generator.choice((str.lower, str.lower, str.upper, str.title))(text)
    words = text.split(" ")
    if kind == "marks":
        return _change_marks(words, generator)
    if kind == "end":
        return " ".join(words[: max(1, int(len(words) * generator.uniform(0.5, 0.95)))])
    long = [index for index, word in enumerate(words) if len(word) >= _MIN_LETTERS]
    for index in generator.sample(
        long, min(len(long), max(1, round(len(words) * _MISTYPED_SHARE)))
    ):
        words[index] = _mistype(words[index], generator)
    return " ".join(words)


def _change_marks(words: list[str], generator: random.Random) -> str:
    """Add marks to some of the words, or strip the marks of all of them."""
    if generator.random() < _STRIPPED_SHARE:
        return " ".join(word.strip(_MARKS) or word for word in words)
    nonempty = [index for index, word in enumerate(words) if word]
    for index in generator.sample(
        nonempty, min(len(nonempty), max(1, round(len(words) * _MISTYPED_SHARE)))
    ):
        words[index] += generator.choice(_ADDED_MARKS)
    return " ".join(words)


def _mistype(word: str, generator: random.Random) -> str:
    """Mistype one letter after the first of a word with at least two letters.

    The letter is swapped with the one before, dropped, doubled, or replaced by an adjacent key.
    """
    index = generator.randrange(1, len(word))
    before, letter, after = word[:index], word[index], word[index + 1 :]
    return generator.choice(
        (
            f"{before[:-1]}{letter}{before[-1]}{after}",
            before + after,
            before + letter * 2 + after,
            before + _ADJACENT.get(letter, letter) + after,
        )
    )
