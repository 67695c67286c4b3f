"""Cuts lists so that an answer fits into a response of Lambda.

Lambda returns at most 6 MB. Its response is JSON with the body as a string, so quotes, backslashes
and characters beyond ASCII take more space there than in the body.
"""

import json
from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel

MAX_ANSWER_BYTES = 5_000_000
"""Size of the JSON of an answer."""
_OTHER_FIELDS_BYTES = 100_000
_MAX_GROWTH = 3
"""How many times as long as its UTF-8 a text is that is escaped as ASCII."""
_Item = TypeVar("_Item", bound=BaseModel)


def fit_page(items: Sequence[_Item], limit: int) -> tuple[list[_Item], bool]:
    """Take the first items, as many as are asked for and fit.

    Args:
        items: in order; one more than ``limit`` if there are more.
        limit: how many are asked for.

    Returns:
        The items, at least one, and whether others follow.
    """
    page = list(items[:limit])
    bodies = [item.model_dump_json(by_alias=True) for item in page]
    budget = MAX_ANSWER_BYTES - _OTHER_FIELDS_BYTES
    if sum(len(body.encode()) for body in bodies) * _MAX_GROWTH > budget:
        size = 0
        for number, body in enumerate(bodies):
            size += sent_bytes(body)
            if size > budget and number:
                page = page[:number]
                break
    return page, len(page) < len(items)


def sent_bytes(body: str) -> int:
    """Number of bytes that JSON takes as a string in Lambda's response."""
    return len(json.dumps(body))
