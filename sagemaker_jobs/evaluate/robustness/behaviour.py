"""Behavioural cases after CheckList (Ribeiro et al. 2020): a text and its allowed labels."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sagemaker_jobs.evaluate.robustness import sentences
from sagemaker_jobs.evaluate.robustness.meaning import BRANDS, THINGS
from shared.schemas.sentiment import Sentiment

_CODES = {"-": Sentiment.NEGATIVE, "0": Sentiment.NEUTRAL, "+": Sentiment.POSITIVE}
_PAIRED = {
    "negation": sentences.NEGATION,
    "contrast": sentences.CONTRAST,
    "intensifier": sentences.INTENSIFIER,
    "sarcasm": sentences.SARCASM,
}


@dataclass(frozen=True, slots=True)
class Case:
    """A plain text and its counterpart, with the allowed labels of each.

    ``same``: the counterpart must get the label that the plain text gets.
    """

    plain: str
    plain_allowed: tuple[Sentiment, ...]
    text: str
    allowed: tuple[Sentiment, ...]
    same: bool = False


Fill = Callable[[str], str]


def cases(seed: int) -> dict[str, list[Case]]:
    """At least 30 cases of each kind; each seed inserts other products and brands."""
    kinds = {}
    for kind, lines in _PAIRED.items():
        generator = random.Random(f"{kind}:{seed}")  # noqa: S311 - a draw, not a secret
        kinds[kind] = [_pair(line, _choose_fill(generator)) for line in _lines(lines)]
    generator = random.Random(f"entity:{seed}")  # noqa: S311 - a draw, not a secret
    kinds["entity"] = [_swap_entities(line, generator) for line in _lines(sentences.ENTITY)]
    return kinds


def _lines(block: str) -> Iterator[list[str]]:
    for line in block.strip().splitlines():
        yield [field.strip() for field in line.split("|")]


def _choose_fill(generator: random.Random) -> Fill:
    thing, brand = generator.choice(THINGS), generator.choice(BRANDS)
    return lambda text: text.format(thing=thing, brand=brand)


def _allowed(codes: str) -> tuple[Sentiment, ...]:
    return tuple(_CODES[code] for code in codes)


def _pair(line: list[str], fill: Fill) -> Case:
    plain, plain_codes, text, codes = line
    return Case(fill(plain), _allowed(plain_codes), fill(text), _allowed(codes))


def _swap_entities(line: list[str], generator: random.Random) -> Case:
    template, codes = line
    things, brands = generator.sample(THINGS, 2), generator.sample(BRANDS, 2)
    plain, text = (
        template.format(thing=thing, brand=brand)
        for thing, brand in zip(things, brands, strict=True)
    )
    return Case(plain, _allowed(codes), text, _allowed(codes), same=True)
