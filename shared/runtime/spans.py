"""Sentiment of parts of a text, from the logits of its tokens."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from shared.runtime.addresses import blank_addresses
from shared.runtime.emoji import replace_emoji_aligned
from shared.runtime.tokens import encode

TOKENS_OUTPUT = "token_logits"
"""Name of the output of a graph that has logits of tokens."""

Floats = npt.NDArray[np.float32]
Characters = tuple[int, int]
"""First character of a token or span, and the one after its last."""


class TokenLogits(NamedTuple):
    """What the model read of a text.

    ``logits``: float32, tokens x 3 in the order of LABELS. ``characters``: int64, tokens x 2, the
    characters of the text that each token stands for; empty for the two special tokens.
    """

    logits: Floats
    characters: npt.NDArray[np.int64]


def token_ids_and_characters(
    tokenizer: Tokenizer, texts: Sequence[str]
) -> tuple[list[list[int]], list[list[Characters]]]:
    """All token ids of each text, and the characters of each token in the text as given."""
    aligned = [replace_emoji_aligned(blank_addresses(text)) for text in texts]
    encodings = encode(tokenizer, [text for text, _ in aligned])
    characters = [
        _characters(encoding, positions)
        for encoding, (_, positions) in zip(encodings, aligned, strict=True)
    ]
    return [encoding.ids for encoding in encodings], characters


def _characters(encoding: Encoding, positions: Sequence[int]) -> list[Characters]:
    return [
        (positions[start], positions[end - 1] + 1) if start < end else (0, 0)
        for start, end in encoding.offsets
    ]


def span_logits(tokens: TokenLogits, spans: Iterable[Characters]) -> list[Floats | None]:
    """Mean logits (3,) of the tokens in each span of a text.

    Returns:
        None for a span without a token: it is empty, or the model did not read it because it is in
        the middle of a long text.
    """
    starts, ends = tokens.characters.T
    means: list[Floats | None] = []
    for start, end in spans:
        inside = (starts < end) & (ends > start) & (start < end)
        means.append(tokens.logits[inside].mean(0) if inside.any() else None)
    return means
