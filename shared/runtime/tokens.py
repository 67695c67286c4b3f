"""Texts to token ids: one way of cutting long texts, for training and serving."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

Ids = npt.NDArray[np.int64]

MAX_TOKENS = 256
"""Of a model whose manifest sets no limit."""


def load_tokenizer(path: Path) -> Tokenizer:
    """A tokenizer that neither cuts nor pads."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def tokenise(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text, whole, special tokens included."""
    if len(texts) == 1:
        return [tokenizer.encode(texts[0]).ids]
    return [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]


def cut(ids: list[int], max_tokens: int, tail_tokens: int = 1) -> list[int]:
    """At most ``max_tokens`` of a text's token ids: its beginning and its last ``tail_tokens``.

    A review often ends with what all of it comes to. One tail token is the closing special token
    alone: what cutting off the end leaves.
    """
    if len(ids) <= max_tokens:
        return ids
    return ids[: max_tokens - tail_tokens] + ids[-tail_tokens:]


def padded(tokens: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Token ids and attention mask, int64, texts x tokens of the longest."""
    ids = np.zeros((len(tokens), max(map(len, tokens))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, entry in enumerate(tokens):
        ids[row, : len(entry)] = entry
        mask[row, : len(entry)] = 1
    return ids, mask
