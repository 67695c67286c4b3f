"""Changes of words that leave the sentiment as it was: other products, stronger adverbs."""

import random
import re

from sagemaker_jobs.evaluate.robustness.words import generator_of, kept, per_word, share_of

THINGS = (
    "kettle", "lamp", "tent", "charger", "blender", "keyboard", "backpack", "speaker", "drill",
    "mattress", "jacket", "stroller", "camera", "router", "umbrella", "toaster", "headset",
    "printer", "watch", "vacuum",
)  # fmt: skip
BRANDS = (
    "Halvern", "Copperline", "Norvik", "Tessaly", "Brightmoor", "Okano", "Pellwood", "Juniper & Co",
    "Quillon", "Ardent", "Lumeray", "Stonefold",
)  # fmt: skip
"""Invented names: nothing is said of a company."""
_NOUNS = (frozenset(THINGS) - {"watch"}) | frozenset(
    ("phone", "case", "cable", "battery", "headphones", "tablet", "laptop", "book", "dress",
     "shirt", "bag", "screen protector", "holder", "adapter", "earbuds", "cord", "program",
     "software", "game", "product", "device")
)  # fmt: skip
_NOUN = re.compile(
    rf"(?<!\bin )(?<!\bany )\b({'|'.join(sorted(_NOUNS, key=len, reverse=True))})\b", re.IGNORECASE
)
"""Not the case of "just in case" and "in any case"."""
_STRONGER = ("really", "very", "truly", "extremely", "incredibly", "so")
_ADJECTIVES = frozenset(
    ("good", "great", "nice", "bad", "poor", "cheap", "happy", "easy", "hard", "useful", "slow",
     "fast", "loud", "quiet", "sturdy", "flimsy", "comfortable", "uncomfortable", "disappointed",
     "disappointing", "pleased", "satisfied", "helpful", "ugly", "pretty", "awful", "terrible",
     "solid", "weak", "strong", "bright", "clear", "annoying", "durable", "useless", "handy")
)  # fmt: skip


def entity_swap(text: str, strength: float, seed: int) -> str:
    """Each product noun becomes another product, the same one throughout, for a share of the nouns.

    A share is of the different nouns, and at least one where there is any: a review is about one
    product, and half a swap would make it about two.
    """
    generator = generator_of(text, seed)
    nouns = sorted({match.lower() for match in _NOUN.findall(text)})
    count = share_of(len(nouns), strength, generator)
    if not nouns or strength == 0:
        return text
    swapped = {}
    for noun in generator.sample(nouns, max(1, count)):
        brand = f"{generator.choice(BRANDS)} " if generator.random() < 1 / 2 else ""
        swapped[noun] = brand + generator.choice([other for other in THINGS if other != noun])

    def other(match: re.Match[str]) -> str:
        found = match[0]
        made = swapped.get(found.lower(), found)
        return made.capitalize() if found[0].isupper() and made[0].islower() else made

    return kept(_NOUN.sub(other, text), text)


def _stronger(word: str, generator: random.Random) -> str:
    return f"{generator.choice(_STRONGER)} {word}"


intensifier = per_word(_stronger, lambda word: word.strip(".,;:!?\"'()") in _ADJECTIVES)
