"""Makes the contrast rows of a part; the same seed gives the same rows."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sagemaker_jobs.contrast.fill import Fill, Span
from sagemaker_jobs.contrast.frames import Block, Line, Rule, load_blocks
from sagemaker_jobs.contrast.words import Part, WordList, load_words
from shared.schemas.sentiment import Sentiment

_TRIES = 6
_MAX_WRAPPINGS = 4
"""How often a text occurs with different titles and further sentences."""
_BARE_SHARE = 0.45
_LOWER_SHARE, _OPEN_END_SHARE = 0.05, 0.08


@dataclass(frozen=True, slots=True)
class ContrastRow:
    """A text, its label, the rows that it belongs to, and its spans with their own sentiment."""

    text: str
    sentiment: Sentiment
    family: str
    twin: str
    part: Part
    rule: Rule
    spans: tuple[Span, ...] = ()


def generate(part: Part, seed: int = 0) -> list[ContrastRow]:
    """All rows of a part, without duplicates, the rows of a group beside each other."""
    lists = load_words(part)
    rows: list[ContrastRow] = []
    known: set[str] = set()
    for number, block in enumerate(load_blocks(part)):
        generator = random.Random(f"{part}:{seed}:{block.family}:{number}")  # noqa: S311 - a draw
        groups = 0
        cores: Counter[str] = Counter()
        for attempt in range(block.groups * _TRIES):
            twin = f"{part}-{block.family}-{number}-{attempt}"
            fill = Fill(lists, generator)
            group = list(_group(block, fill, part, twin))
            core = fill.write(block.lines[0].template)[0]
            texts = {row.text.lower() for row in group}
            if len(texts) < len(group) or texts & known or cores[core] == _MAX_WRAPPINGS:
                continue
            known |= texts
            cores[core] += 1
            rows += group
            groups += 1
            if groups == block.groups:
                break
    return rows


def _group(block: Block, fill: Fill, part: Part, twin: str) -> Iterator[ContrastRow]:
    generator = fill.generator
    wrap = "{line}" if block.bare else _wrapping(block, fill.lists, generator)
    lower, open_end = generator.random() < _LOWER_SHARE, generator.random() < _OPEN_END_SHARE
    for line in _lines(block, fill):
        text, spans = fill.write(wrap.replace("{line}", line.template))
        text = text.lower() if lower else text
        text = text.removesuffix(".") if open_end else text
        bounded = tuple((start, min(end, len(text)), sign) for start, end, sign in spans)
        yield ContrastRow(text, line.sentiment, block.family, twin, part, line.rule, bounded)


def _lines(block: Block, fill: Fill) -> Iterator[Line]:
    if block.each is None:
        yield from block.lines
        return
    name, size = block.each
    entries = fill.lists[name].entries
    for entry in fill.generator.sample(entries, min(size, len(entries))):
        fill.use(name, entry)
        yield from block.lines


def _wrapping(block: Block, lists: dict[str, WordList], generator: random.Random) -> str:
    """A template around ``{line}``: at times a title, a sentence before, or one after it."""
    if generator.random() < _BARE_SHARE:
        return "{line}"
    used = set(re.findall(r"\{([a-z]+)", " ".join(line.template for line in block.lines)))
    kinds = sorted(used & {"product", "plural"})
    kind = kinds[0] if len(kinds) == 1 else "any"
    title, lead, tail = (
        generator.choice([entry[0][0] for entry in lists[f"{place}_{kind}"].entries])
        for place in ("title", "lead", "tail")
    )
    shape = generator.choice(["lead", "lead", "tail", "tail", "title", "title lead", "lead tail"])
    parts = [
        f"{title}." if "title" in shape else "", lead if "lead" in shape else "",
        "{line}", tail if "tail" in shape else "",
    ]  # fmt: skip
    return " ".join(part for part in parts if part)
