"""Noise for training: texts as hurried people type them.

It shares no code and no word list with what evaluation tests robustness by: a model must not be
tested on the very noise that it was trained on.
"""

import random

_WORDS = 0.12
"""Share of a text's words that are mistyped."""
_LEAST = 3
"""Letters of a word that may be mistyped; shorter ones turn into other words."""
_BARE = 0.3
"""Share of the texts with other marks that lose theirs."""
_MARKS = '.,!?;:-"()'
_BETWEEN = ("!", "?", ",", ";", "!!", "..", ",,", *(f" {mark}" for mark in "-*~#|=^☺★●"))
_BESIDE = {
    letter: beside
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for letter, beside in zip(row, row[1:] + row[-2], strict=True)
}


def noisy(text: str, generator: random.Random) -> str:
    """The text with one kind of noise: mistyped words, marks, another case, or its end missing."""
    kind = generator.choices(("typing", "marks", "case", "end"), (5, 3, 1, 1))[0]
    if kind == "case":
        return generator.choice((str.lower, str.lower, str.upper, str.title))(text)
    words = text.split(" ")
    if kind == "marks":
        return _marked(words, generator)
    if kind == "end":
        return " ".join(words[: max(1, int(len(words) * generator.uniform(0.5, 0.95)))])
    long = [place for place, word in enumerate(words) if len(word) >= _LEAST]
    for place in generator.sample(long, min(len(long), max(1, round(len(words) * _WORDS)))):
        words[place] = _mistyped(words[place], generator)
    return " ".join(words)


def _marked(words: list[str], generator: random.Random) -> str:
    """The words with marks behind some of them, or without the marks that they have."""
    if generator.random() < _BARE:
        return " ".join(word.strip(_MARKS) or word for word in words)
    spoken = [place for place, word in enumerate(words) if word]
    for place in generator.sample(spoken, min(len(spoken), max(1, round(len(words) * _WORDS)))):
        words[place] += generator.choice(_BETWEEN)
    return " ".join(words)


def _mistyped(word: str, generator: random.Random) -> str:
    """A word of at least two letters with a slip of the finger: one of its letters after the first.

    Swapped with the one before, left out, typed twice, or the key beside it.
    """
    at = generator.randrange(1, len(word))
    before, letter, after = word[:at], word[at], word[at + 1 :]
    return generator.choice(
        (
            f"{before[:-1]}{letter}{before[-1]}{after}",
            before + after,
            before + letter * 2 + after,
            before + _BESIDE.get(letter, letter) + after,
        )
    )
