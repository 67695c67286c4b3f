"""Common parts of perturbations: choosing words, reproducibly."""

import random
import re
from collections.abc import Callable
from math import floor

Perturbation = Callable[[str, float, int], str]
"""(text, strength: share of words from 0 to 1, seed) → text."""
WordChange = Callable[[str, random.Random], str]

_PARTS = re.compile(r"\s+|\S+")


def text_generator(text: str, seed: int) -> random.Random:
    """A generator that depends on seed and text alone, in any process."""
    return random.Random(f"{seed}:{text}")  # noqa: S311 - a draw, not a secret


def sample_count(count: int, strength: float, generator: random.Random) -> int:
    """``strength * count``, rounded at random so that the mean is exact."""
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be from 0 to 1, not {strength}")
    return min(count, floor(count * strength + generator.random()))


def split(text: str) -> list[str]:
    """Words and the white space between them; joined, they are the text."""
    return _PARTS.findall(text)


def per_word(change: WordChange, fits: Callable[[str], bool] = bool) -> Perturbation:
    """A perturbation that changes a share of the words, as far as enough words fit.

    Args:
        change: Changes a word.
        fits: Whether a word may be chosen.
    """

    def perturb(text: str, strength: float, seed: int) -> str:
        generator = text_generator(text, seed)
        parts = split(text)
        words = [index for index, part in enumerate(parts) if not part.isspace()]
        count = sample_count(len(words), strength, generator)
        candidates = [index for index in words if fits(parts[index])]
        for index in sorted(generator.sample(candidates, min(count, len(candidates)))):
            parts[index] = change(parts[index], generator)
        return unless_blank("".join(parts), text)

    return perturb


def unless_blank(changed: str, text: str) -> str:
    """The changed text, or the original one if the changed one is blank."""
    return changed if changed.strip() else text
