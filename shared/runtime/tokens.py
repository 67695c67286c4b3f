"""Converts texts to token ids; training and serving truncate long texts alike."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from shared.runtime.addresses import blank_addresses
from shared.runtime.emoji import replace_emoji

Ids = npt.NDArray[np.int64]
Item = TypeVar("Item")

UNKNOWN = "[UNK]"
"""The token of everything that is not in the vocabulary."""
MAX_TOKENS = 256
"""Limit of a model whose manifest sets none."""


def load_tokenizer(path: Path) -> Tokenizer:
    """Load a tokenizer that neither truncates nor pads."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def tokenise(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """All token ids of each text, special tokens included.

    Emoji are read as words; links, e-mail addresses and handles are left out.
    """
    encodings = encode(tokenizer, [replace_emoji(blank_addresses(text)) for text in texts])
    return [encoding.ids for encoding in encodings]


def encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Encoding]:
    """Tokens of texts without emoji; for one text, no thread is started."""
    return [tokenizer.encode(texts[0])] if len(texts) == 1 else tokenizer.encode_batch(list(texts))


def unknown_share(ids: Sequence[int], unknown_id: int | None) -> float:
    """Share of the tokens of a text, without its two special tokens, that are unknown."""
    return ids.count(unknown_id) / max(1, len(ids) - 2) if unknown_id is not None else 0.0


def truncate(ids: list[Item], max_tokens: int, tail_tokens: int = 1) -> list[Item]:
    """Keep at most ``max_tokens`` token ids: the beginning and the last ``tail_tokens``.

    A review often ends with its conclusion. With one tail token, only the closing special token
    of the end is kept.
    """
    if len(ids) <= max_tokens:
        return ids
    return ids[: max_tokens - tail_tokens] + ids[-tail_tokens:]


def pad(tokens: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Token ids padded to the longest text, and the attention mask; int64, texts x tokens."""
    ids = np.zeros((len(tokens), max(map(len, tokens))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, entry in enumerate(tokens):
        ids[row, : len(entry)] = entry
        mask[row, : len(entry)] = 1
    return ids, mask
