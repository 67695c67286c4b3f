"""Reads the sentence frames of a part: blocks separated by empty lines, in ``<family>*.frames``.

A block becomes groups of rows, one row per line, with the same words in the same slots::

    @n 60
    + The {part} is {pos}.
    0+ The {part} is not {neg}.

A line starts with its label: ``+``, ``0`` or ``-``. A model must answer ``+``, ``0`` and ``-``
exactly, ``+?`` and ``0+`` with anything but negative, ``-?`` and ``0-`` with anything but positive.
``@n`` is the number of groups (by default 40 in training, 8 in tests). ``@same`` is a block whose
rows must have the same score, ``@bare`` one without a title or further sentences, and ``@each
identity 5`` repeats the lines for five entries of a list.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from sagemaker_jobs.contrast.words import Part, folder_of
from shared.schemas.sentiment import Sentiment

Rule = Literal["label", "not_negative", "not_positive", "same"]
SIGNS = {"-": Sentiment.NEGATIVE, "0": Sentiment.NEUTRAL, "+": Sentiment.POSITIVE}
_RULES: dict[str, Rule] = {
    "+?": "not_negative", "0+": "not_negative", "-?": "not_positive", "0-": "not_positive",
}  # fmt: skip
_LINE = re.compile(r"(\+\??|-\??|0[+-]?) (.+)")
_GROUPS = {"train": 40, "test": 8}


@dataclass(frozen=True, slots=True)
class Line:
    """A template, its label and the rule for a model's answer."""

    template: str
    sentiment: Sentiment
    rule: Rule


@dataclass(slots=True)
class Block:
    """Lines that are filled together, and how often."""

    family: str
    groups: int
    lines: list[Line] = field(default_factory=list)
    same: bool = False
    bare: bool = False
    each: tuple[str, int] | None = None


@cache
def load_blocks(part: Part) -> list[Block]:
    """The blocks of a part, by family and in their order.

    Raises:
        ValueError: a line or an option is not known.
    """
    blocks = []
    for path in sorted(folder_of(part).glob("*.frames")):
        for text in re.split(r"\n\s*\n", path.read_text(encoding="utf-8").strip()):
            lines = [line for line in text.splitlines() if not line.startswith("#")]
            if lines:
                blocks.append(_block(Block(path.name.partition(".")[0], _GROUPS[part]), lines))
    return blocks


def _block(block: Block, lines: list[str]) -> Block:
    for text in lines:
        if text.startswith("@"):
            _set_option(block, text[1:].split())
        elif line := _LINE.fullmatch(text.strip()):
            rule = _RULES.get(line[1], "label")
            block.lines.append(Line(line[2], SIGNS[line[1][0]], rule))
        else:
            raise ValueError(f"{block.family}.frames: not a line or option: {text!r}")
    if block.same:
        block.lines = [Line(line.template, line.sentiment, "same") for line in block.lines]
    return block


def _set_option(block: Block, words: list[str]) -> None:
    match words:
        case ["n", number]:
            block.groups = int(number)
        case ["same"]:
            block.same = True
        case ["bare"]:
            block.bare = True
        case ["each", name, number]:
            block.each = (name, int(number))
        case _:
            raise ValueError(f"{block.family}.frames: not an option: {' '.join(words)}")
