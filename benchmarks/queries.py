"""Queries of one length, cut from the texts of a dump."""

from collections.abc import Iterable
from pathlib import Path

from shared.runtime.tokens import load_tokenizer

TOKENS = 64


def cut_to(texts: Iterable[str], tokenizer: Path, count: int, *, tokens: int = TOKENS) -> list[str]:
    """Beginnings of texts that are exactly so many tokens long, the two special ones included.

    Args:
        texts: taken in their order; short ones are left out.
        tokenizer: the model's tokenizer.json.
        count: most that are returned.
        tokens: length of each.

    Raises:
        SystemExit: no text is long enough.
    """
    reader = load_tokenizer(tokenizer)
    found: list[str] = []
    for text in texts:
        encoding = reader.encode(text)
        if len(encoding) < tokens:
            continue
        end = encoding.offsets[tokens - 2][1]  # the last token before the closing one
        query = text[:end]
        if len(reader.encode(query)) == tokens:
            found.append(query)
        if len(found) == count:
            break
    if not found:
        raise SystemExit(f"no text of the dump has {tokens} tokens")
    return found
