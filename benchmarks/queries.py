"""Queries of equal length, cut from the texts of a dump."""

from collections.abc import Iterable
from pathlib import Path

from shared.runtime.tokens import load_tokenizer

QUERY_TOKENS = 64


def cut_queries(
    texts: Iterable[str], tokenizer: Path, count: int, *, tokens: int = QUERY_TOKENS
) -> list[str]:
    """Beginnings of texts with an exact number of tokens, including the two special ones.

    Args:
        texts: source texts, used in order; texts that are too short are skipped.
        tokenizer: the model's tokenizer.json.
        count: maximum number of queries.
        tokens: length of each query.

    Raises:
        SystemExit: no text is long enough.
    """
    reader = load_tokenizer(tokenizer)
    queries: list[str] = []
    for text in texts:
        encoding = reader.encode(text)
        if len(encoding) < tokens:
            continue
        end = encoding.offsets[tokens - 2][1]  # the last token before the closing one
        query = text[:end]
        if len(reader.encode(query)) == tokens:
            queries.append(query)
        if len(queries) == count:
            break
    if not queries:
        raise SystemExit(f"no text of the dump has {tokens} tokens")
    return queries
