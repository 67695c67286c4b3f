"""The rows of a step: labelled texts, contrast rows, their spans of characters."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from sagemaker_jobs.distil.config import SampleConfig
from sagemaker_jobs.distil.texts import Span
from sagemaker_jobs.train.data import LABELS
from shared.aspects.sentences import split_sentences

_PHRASE_SHARE = 0.4
"""Largest share of one source among sentences and phrases."""


class LabelledText(NamedTuple):
    """A text with what is known of it; stars 1 to 5 or 0, sentiment 0 to 2.

    ``is_sentence``: the sentiment is what a sentence says, not that of stars. ``spans`` are
    characters with their own sentiment.
    """

    text: str
    stars: int
    sentiment: int
    is_sentence: bool
    source: str
    spans: tuple[tuple[int, int, int], ...] = ()


def read_rows(path: Path) -> list[LabelledText]:
    """Rows of a Parquet file with the columns text and sentiment; others are optional."""
    rows = []
    for row in pq.read_table(path).to_pylist():
        spans = json.loads(row.get("spans") or "[]")
        stars = row.get("rating") or 0
        rows.append(
            LabelledText(
                row["text"],
                int(stars) if stars == int(stars) else 0,
                LABELS.index(row["sentiment"]),
                row.get("kind") == "sentence",
                row["source"],
                tuple((start, end, LABELS.index(name)) for start, end, name in spans),
            )
        )
    return rows


def training_rows(config: SampleConfig) -> list[LabelledText]:
    """Reviews and sentences for a training, evenly over their sources."""
    rows = read_rows(config.data_dir / "train.parquet")
    reviews = [row for row in rows if not row.is_sentence]
    sentences = [row for row in rows if row.is_sentence]
    reviews = cap_sources(reviews, config.source_share, config.most_stars, config.seed)
    sentences = cap_sources(sentences, _PHRASE_SHARE, len(sentences), config.seed)
    return reviews[: config.reviews] + sentences[: config.sentences]


def cap_sources(
    rows: Sequence[LabelledText], share: float, most_stars: int, seed: int
) -> list[LabelledText]:
    """At most ``share`` of the reviews from one source, and ``most_stars`` with five stars.

    Rows of stars that are rare in a source are kept first. A single source is kept whole.
    """
    generator = random.Random(seed)  # noqa: S311 - a sample
    order = list(rows)
    generator.shuffle(order)
    by_source: dict[str, list[LabelledText]] = defaultdict(list)
    for row in order:
        by_source[row.source].append(row)
    for source, own in by_source.items():
        counts = Counter(row.stars for row in own)
        rank: Counter[int] = Counter()
        places = []
        for row in own:
            rank[row.stars] += 1
            places.append((rank[row.stars], counts[row.stars]))
        others = len(rows) - len(own)
        limit = int(others * share / (1 - share)) if others and share < 1 else len(own)
        ranked = sorted(zip(places, own, strict=True), key=lambda entry: entry[0])
        by_source[source] = [row for _, row in ranked[:limit]]
    kept: list[LabelledText] = []
    taken = 0
    depth = max(map(len, by_source.values()), default=0)
    for index in range(depth):
        for own in by_source.values():
            if index < len(own):
                row = own[index]
                if row.stars == 5:
                    taken += 1
                    if taken > most_stars:
                        continue
                kept.append(row)
    return kept


def sentence_spans(text: str) -> list[Span]:
    """Sentences and clauses of a text, as aspects see them."""
    return [(span.start, span.end) for span in split_sentences(text)]
