"""Typing errors: letters swapped, dropped, doubled, or replaced by an adjacent key."""

import random

from sagemaker_jobs.evaluate.robustness.words import per_word

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_MIN_LETTERS = 4
"""Minimum letters of a word: shorter ones would become other words."""


def _neighbours() -> dict[str, str]:
    """Adjacent letters of each letter on a QWERTY keyboard."""
    positions = {
        key: (row, column) for row, keys in enumerate(_ROWS) for column, key in enumerate(keys)
    }
    return {
        key: "".join(
            other
            for other, (r, c) in positions.items()
            if other != key and other.isalpha() and abs(r - row) <= 1 and abs(c - column) <= 1
        )
        for key, (row, column) in positions.items()
        if key.isalpha()
    }


_ADJACENT = _neighbours()


def _letters(word: str) -> list[int]:
    return [index for index, letter in enumerate(word) if letter.isalpha()]


def _long_enough(word: str) -> bool:
    return len(_letters(word)) >= _MIN_LETTERS


def _swap(word: str, generator: random.Random) -> str:
    """Swap two different neighbouring letters after the first."""
    pairs = [
        index
        for index in _letters(word)[1:]
        if word[index + 1 : index + 2].isalpha() and word[index] != word[index + 1]
    ]
    if not pairs:
        return word
    index = generator.choice(pairs)
    return word[:index] + word[index + 1] + word[index] + word[index + 2 :]


def _drop(word: str, generator: random.Random) -> str:
    index = generator.choice(_letters(word)[1:])
    return word[:index] + word[index + 1 :]


def _double(word: str, generator: random.Random) -> str:
    index = generator.choice(_letters(word))
    return word[: index + 1] + word[index:]


def _key(word: str, generator: random.Random) -> str:
    index = generator.choice(_letters(word))
    letter = word[index]
    adjacent = generator.choice(_ADJACENT.get(letter.lower(), letter))
    return word[:index] + (adjacent.upper() if letter.isupper() else adjacent) + word[index + 1 :]


def _any(word: str, generator: random.Random) -> str:
    return generator.choice((_swap, _drop, _double, _key))(word, generator)


typo_swap = per_word(_swap, _long_enough)
typo_drop = per_word(_drop, _long_enough)
typo_double = per_word(_double, _long_enough)
typo_key = per_word(_key, _long_enough)
typos = per_word(_any, _long_enough)
