"""Labelled texts: reading, sampling, tokenising, length-sorted batches."""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import torch
from tokenizers import Tokenizer
from torch import Tensor

from shared.runtime import tokens
from shared.schemas.sentiment import LABELS as SENTIMENTS

LABELS = tuple(label.value for label in SENTIMENTS)


class LabelledTexts(NamedTuple):
    """Texts, labels 0..2 and sources: three lists of equal length."""

    texts: list[str]
    labels: list[int]
    sources: list[str]


def read_labelled(path: Path) -> LabelledTexts:
    """Read a Parquet file with the columns text, sentiment, source."""
    table = pq.read_table(path, columns=["text", "sentiment", "source"]).to_pydict()
    labels = [LABELS.index(label) for label in table["sentiment"]]
    return LabelledTexts(table["text"], labels, table["source"])


def draw_rows(data: LabelledTexts, counts: dict[str, int], seed: int) -> LabelledTexts:
    """Draw ``counts`` rows per label, from each source in turn, so that no source dominates.

    Without counts, all rows are returned in the order of the file.
    """
    if not counts:
        return data
    order = list(range(len(data.texts)))
    random.Random(seed).shuffle(order)  # noqa: S311 - a draw_rows, not a secret
    rank: dict[tuple[int, str], int] = {}
    keyed = []
    for position, row in enumerate(order):
        group = (data.labels[row], data.sources[row])
        rank[group] = rank.get(group, -1) + 1
        keyed.append((rank[group], position, row))
    remaining = {LABELS.index(name): count for name, count in counts.items()}
    chosen = []
    for _, _, row in sorted(keyed):
        if remaining.get(data.labels[row], 0) > 0:
            remaining[data.labels[row]] -= 1
            chosen.append(row)
    return LabelledTexts(*([column[row] for row in chosen] for column in data))  # type: ignore[arg-type]


def fingerprint(texts: Sequence[str]) -> str:
    """SHA-256 of the texts in order."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def tokenise(
    tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int, tail_tokens: int = 1
) -> list[list[int]]:
    """Token ids of each text without padding, truncated by ``shared.runtime.tokens``."""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return [
        tokens.truncate(ids, max_tokens, tail_tokens) for ids in tokens.tokenise(tokenizer, texts)
    ]


def batches(
    ids: Sequence[Sequence[int]], size: int, generator: random.Random | None
) -> Iterator[list[int]]:
    """Batches of rows with similar lengths; shuffled if there is a generator."""
    order = list(range(len(ids)))
    if generator is not None:
        generator.shuffle(order)
        pools = [order[i : i + size * 50] for i in range(0, len(order), size * 50)]
    else:
        pools = [order]
    groups: list[list[int]] = []
    for pool in pools:
        pool.sort(key=lambda row: len(ids[row]))
        groups.extend(pool[i : i + size] for i in range(0, len(pool), size))
    if generator is not None:
        generator.shuffle(groups)
    yield from groups


def pad(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Token ids and attention mask, (b, t) int64, padded with zeros."""
    ids, mask = tokens.pad(rows)
    return torch.from_numpy(ids), torch.from_numpy(mask)


def map_batches(
    ids: Sequence[Sequence[int]],
    size: int,
    encode: Callable[[Tensor, Tensor], tuple[Tensor, ...]],
) -> tuple[Tensor, ...]:
    """Run ``encode`` on batches of similar lengths.

    Args:
        ids: Token ids of n texts, at least one.
        size: Texts per batch.
        encode: Takes token ids and mask (b, t); returns tensors with b rows each.

    Returns:
        Tensors with n rows, float32, in the order of the texts.
    """
    order: list[int] = []
    parts: list[tuple[Tensor, ...]] = []
    for rows in batches(ids, size, None):
        order += rows
        parts.append(tuple(part.float() for part in encode(*pad([ids[row] for row in rows]))))
    inverse = torch.tensor(order).argsort()
    return tuple(torch.cat(column)[inverse] for column in zip(*parts, strict=True))
