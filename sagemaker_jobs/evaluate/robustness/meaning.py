"""Changes of words that keep the sentiment: other products, stronger adverbs."""

import random
import re

from sagemaker_jobs.evaluate.robustness.words import (
    per_word,
    sample_count,
    text_generator,
    unless_blank,
)

THINGS = (
    "kettle", "lamp", "tent", "charger", "blender", "keyboard", "backpack", "speaker", "drill",
    "mattress", "jacket", "stroller", "camera", "router", "umbrella", "toaster", "headset",
    "printer", "watch", "vacuum",
)  # fmt: skip
BRANDS = (
    "Halvern", "Copperline", "Norvik", "Tessaly", "Brightmoor", "Okano", "Pellwood", "Juniper & Co",
    "Quillon", "Ardent", "Lumeray", "Stonefold",
)  # fmt: skip
"""Invented names, so that no real company is named."""
_NOUNS = (frozenset(THINGS) - {"watch"}) | frozenset(
    ("phone", "case", "cable", "battery", "headphones", "tablet", "laptop", "book", "dress",
     "shirt", "bag", "screen protector", "holder", "adapter", "earbuds", "cord", "program",
     "software", "game", "product", "device")
)  # fmt: skip
_NOUN = re.compile(
    rf"(?<!\bin )(?<!\bany )\b({'|'.join(sorted(_NOUNS, key=len, reverse=True))})\b", re.IGNORECASE
)
"""Excludes "case" in "just in case" and "in any case"."""
_STRONGER = ("really", "very", "truly", "extremely", "incredibly", "so")
_ADJECTIVES = frozenset(
    ("good", "great", "nice", "bad", "poor", "cheap", "happy", "easy", "hard", "useful", "slow",
     "fast", "loud", "quiet", "sturdy", "flimsy", "comfortable", "uncomfortable", "disappointed",
     "disappointing", "pleased", "satisfied", "helpful", "ugly", "pretty", "awful", "terrible",
     "solid", "weak", "strong", "bright", "clear", "annoying", "durable", "useless", "handy")
)  # fmt: skip


def entity_swap(text: str, strength: float, seed: int) -> str:
    """Replace a share of the product nouns by other products, each one consistently.

    The share is of the distinct nouns, and at least one is replaced: a review is about one product,
    and a partial swap would make it about two.
    """
    generator = text_generator(text, seed)
    nouns = sorted({match.lower() for match in _NOUN.findall(text)})
    count = sample_count(len(nouns), strength, generator)
    if not nouns or strength == 0:
        return text
    replacements = {}
    for noun in generator.sample(nouns, max(1, count)):
        brand = f"{generator.choice(BRANDS)} " if generator.random() < 1 / 2 else ""
        replacements[noun] = brand + generator.choice([other for other in THINGS if other != noun])

    def replace(match: re.Match[str]) -> str:
        noun = match[0]
        new = replacements.get(noun.lower(), noun)
        return new.capitalize() if noun[0].isupper() and new[0].islower() else new

    return unless_blank(_NOUN.sub(replace, text), text)


def _intensify(word: str, generator: random.Random) -> str:
    return f"{generator.choice(_STRONGER)} {word}"


intensifier = per_word(_intensify, lambda word: word.strip(".,;:!?\"'()") in _ADJECTIVES)
