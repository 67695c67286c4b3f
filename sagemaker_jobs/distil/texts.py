"""Texts as token ids with spans, in batches of similar length and a bounded number of tokens."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from shared.runtime import tokens
from shared.runtime.spans import token_ids_and_characters

Span = tuple[int, int]
_CHUNK = 8192
"""Texts that are tokenised together."""
_POOL = 20_000
"""Rows that are sorted by length together."""
_STEP = 16
"""Batches are padded to a multiple of this many tokens, so that few shapes occur."""


class Tokens(NamedTuple):
    """Token ids of a text, and for each of its spans the first token and the end (0, 0: cut)."""

    ids: list[int]
    spans: list[Span]


def tokenise(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    spans: Sequence[Sequence[Span]],
    max_tokens: int,
    tail_tokens: int,
) -> list[Tokens]:
    """Tokens of each text, truncated as in serving, with its spans of characters."""
    results = []
    for at in range(0, len(texts), _CHUNK):
        chunk, wanted = texts[at : at + _CHUNK], spans[at : at + _CHUNK]
        if any(wanted):
            all_ids, characters = token_ids_and_characters(tokenizer, chunk)
        else:
            all_ids, characters = tokens.tokenise(tokenizer, chunk), [[]] * len(chunk)
        for ids, places, own in zip(all_ids, characters, wanted, strict=True):
            kept = tokens.truncate(ids, max_tokens, tail_tokens)
            cut = len(ids) - len(kept)
            head = len(kept) - tail_tokens if cut else len(kept)
            results.append(Tokens(kept, _token_spans(places, own, head, cut)))
    return results


def _token_spans(
    characters: Sequence[Span], spans: Sequence[Span], head: int, cut: int
) -> list[Span]:
    """Spans of characters as spans of kept tokens; (0, 0) if a token of it was cut.

    Args:
        characters: of each token of the whole text; empty for special tokens.
        spans: of characters.
        head: tokens before the cut.
        cut: number of tokens that were cut.
    """
    if not spans:
        return []
    starts, ends = np.asarray(characters).T
    result = []
    for start, end in spans:
        inside = np.flatnonzero((ends > start) & (starts < end) & (ends > starts))
        if not len(inside) or (cut and inside[0] < head + cut and inside[-1] >= head):
            result.append((0, 0))
            continue
        shift = cut if inside[0] >= head else 0
        result.append((int(inside[0]) - shift, int(inside[-1]) + 1 - shift))
    return result


class Batch(NamedTuple):
    """Rows of a batch with their ids and mask (b, t), and the spans that lie in them.

    ``spans`` is (s, 3): row in the batch, first token, end. ``span_rows`` (s,) are the numbers of
    the spans in the whole set.
    """

    rows: Tensor
    ids: Tensor
    mask: Tensor
    spans: Tensor
    span_rows: Tensor


class TokenSet:
    """All texts of a step on one device."""

    def __init__(self, texts: Sequence[Tokens], device: torch.device) -> None:
        self._device = device
        lengths = np.asarray([len(text.ids) for text in texts])
        self.lengths = lengths
        self._ids = torch.tensor(
            np.concatenate([np.asarray(text.ids, np.int32) for text in texts]), device=device
        )
        self._starts = torch.tensor(np.concatenate([[0], np.cumsum(lengths)[:-1]]), device=device)
        self._lengths = torch.tensor(lengths, device=device)
        counts = [len(text.spans) for text in texts]
        self._first_span = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        flat = [span for text in texts for span in text.spans] or [(0, 0)]
        self._spans = np.asarray(flat, np.int64)

    def __len__(self) -> int:
        return len(self.lengths)

    def batches(
        self, rows: np.ndarray, tokens_per_batch: int, generator: random.Random | None
    ) -> list[np.ndarray]:
        """Rows in batches of similar lengths; shuffled if there is a generator."""
        order = np.asarray(rows)
        pools = [order]
        if generator is not None:
            order = order[np.random.default_rng(generator.getrandbits(32)).permutation(len(order))]
            pools = np.array_split(order, max(1, len(order) // _POOL))
        result = [part for pool in pools for part in self._by_length(pool, tokens_per_batch)]
        if generator is not None:
            generator.shuffle(result)
        return result

    def _by_length(self, rows: np.ndarray, tokens_per_batch: int) -> Iterator[np.ndarray]:
        """The rows in batches, the shortest first; the longest of a batch decides its size."""
        ordered = rows[np.argsort(self.lengths[rows], kind="stable")]
        widths = [_padded(length) for length in self.lengths[ordered]]
        start = 0
        for end in range(1, len(ordered) + 1):
            if end == len(ordered) or widths[end] * (end + 1 - start) > tokens_per_batch:
                yield ordered[start:end]
                start = end

    def batch(self, rows: np.ndarray) -> Batch:
        """One batch on the device."""
        index = torch.as_tensor(rows, device=self._device)
        width = _padded(int(self.lengths[rows].max()))
        columns = torch.arange(width, device=self._device)
        mask = columns[None, :] < self._lengths[index][:, None]
        positions = (self._starts[index][:, None] + columns[None, :]).clamp(max=len(self._ids) - 1)
        ids = (self._ids[positions].long() * mask).contiguous()
        spans, numbers = [], []
        for place, row in enumerate(rows):
            for number in range(self._first_span[row], self._first_span[row + 1]):
                first, end = self._spans[number]
                if end > first:
                    spans.append((place, first, end))
                    numbers.append(number)
        shape = torch.tensor(spans or np.zeros((0, 3)), dtype=torch.long, device=self._device)
        number_tensor = torch.tensor(numbers, dtype=torch.long, device=self._device)
        return Batch(index, ids, mask.long(), shape, number_tensor)


def _padded(length: int) -> int:
    return -(-int(length) // _STEP) * _STEP


def iterate(
    texts: TokenSet, rows: np.ndarray, tokens_per_batch: int, generator: random.Random | None
) -> Iterator[Batch]:
    """Batches of the rows, once through."""
    for part in texts.batches(rows, tokens_per_batch, generator):
        yield texts.batch(part)


def pool_spans(token_values: Tensor, spans: Tensor) -> Tensor:
    """Means over spans: values (b, t, k) and spans (s, 3) of row, first, end -> (s, k)."""
    sums = torch.nn.functional.pad(token_values.cumsum(1), (0, 0, 1, 0))
    row, first, end = spans.unbind(-1)
    return (sums[row, end] - sums[row, first]) / (end - first).unsqueeze(-1)
