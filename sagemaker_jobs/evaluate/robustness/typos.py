"""Slips of the finger: letters swapped, dropped, doubled, or the key beside."""

import random

from sagemaker_jobs.evaluate.robustness.words import per_word

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_LEAST = 4
"""Letters a word must have: shorter ones would turn into other words."""


def _neighbours() -> dict[str, str]:
    """Keys beside and above or below each letter, on a QWERTY keyboard."""
    places = {
        key: (row, column) for row, keys in enumerate(_ROWS) for column, key in enumerate(keys)
    }
    return {
        key: "".join(
            other
            for other, (r, c) in places.items()
            if other != key and other.isalpha() and abs(r - row) <= 1 and abs(c - column) <= 1
        )
        for key, (row, column) in places.items()
        if key.isalpha()
    }


_BESIDE = _neighbours()


def _letters(word: str) -> list[int]:
    return [place for place, letter in enumerate(word) if letter.isalpha()]


def _long_enough(word: str) -> bool:
    return len(_letters(word)) >= _LEAST


def _swap(word: str, generator: random.Random) -> str:
    """Two neighbouring letters change places: two that differ, after the first."""
    pairs = [
        place
        for place in _letters(word)[1:]
        if word[place + 1 : place + 2].isalpha() and word[place] != word[place + 1]
    ]
    if not pairs:
        return word
    at = generator.choice(pairs)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _drop(word: str, generator: random.Random) -> str:
    at = generator.choice(_letters(word)[1:])
    return word[:at] + word[at + 1 :]


def _double(word: str, generator: random.Random) -> str:
    at = generator.choice(_letters(word))
    return word[: at + 1] + word[at:]


def _key(word: str, generator: random.Random) -> str:
    at = generator.choice(_letters(word))
    letter = word[at]
    beside = generator.choice(_BESIDE.get(letter.lower(), letter))
    return word[:at] + (beside.upper() if letter.isupper() else beside) + word[at + 1 :]


def _any(word: str, generator: random.Random) -> str:
    return generator.choice((_swap, _drop, _double, _key))(word, generator)


typo_swap = per_word(_swap, _long_enough)
typo_drop = per_word(_drop, _long_enough)
typo_double = per_word(_double, _long_enough)
typo_key = per_word(_key, _long_enough)
typos = per_word(_any, _long_enough)
