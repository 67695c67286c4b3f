"""What perturbations have in common: choosing words, and staying reproducible."""

import random
import re
from collections.abc import Callable
from math import floor

Perturbation = Callable[[str, float, int], str]
"""Text, strength (share of words, 0 to 1) and seed to text."""
WordChange = Callable[[str, random.Random], str]

_PARTS = re.compile(r"\s+|\S+")


def generator_of(text: str, seed: int) -> random.Random:
    """Draws that depend on seed and text alone: each text has its own, in any process."""
    return random.Random(f"{seed}:{text}")  # noqa: S311 - a draw, not a secret


def share_of(count: int, strength: float, generator: random.Random) -> int:
    """``strength`` of ``count``, rounded so that the share is right on average."""
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be from 0 to 1, not {strength}")
    return min(count, floor(count * strength + generator.random()))


def split(text: str) -> list[str]:
    """Words and the white space between them; joined they are the text."""
    return _PARTS.findall(text)


def per_word(change: WordChange, fits: Callable[[str], bool] = bool) -> Perturbation:
    """A perturbation that changes a share of the words, where so many words fit.

    Args:
        change: What is done to a word.
        fits: Which words may be chosen.
    """

    def perturb(text: str, strength: float, seed: int) -> str:
        generator = generator_of(text, seed)
        parts = split(text)
        words = [place for place, part in enumerate(parts) if not part.isspace()]
        count = share_of(len(words), strength, generator)
        able = [place for place in words if fits(parts[place])]
        for place in sorted(generator.sample(able, min(count, len(able)))):
            parts[place] = change(parts[place], generator)
        return kept("".join(parts), text)

    return perturb


def kept(changed: str, text: str) -> str:
    """The changed text, unless nothing is left of it: then the text as it was."""
    return changed if changed.strip() else text
