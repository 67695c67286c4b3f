"""Reads the addresses of a review's pictures from the notations that dumps use."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from lambdas.collection.reading.values import present
from shared.schemas.pictures import (
    MAX_PICTURES_OF_REVIEW,
    MAX_URL_CHARACTERS,
    URL_SEPARATOR,
)

_URL = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_SEPARATORS = re.compile(r"\s+|[|;,]{1,3}(?=https?://)", re.IGNORECASE)
_LIST_MARKS = str.maketrans("[]'\"", "    ")
_LARGEST_FIRST = (
    *("large_image_url", "hi_res", "large", "medium_image_url", "medium"),
    *("small_image_url", "small", "url", "src", "image_url", "image", "thumb"),
)
"""Keys of one picture in several sizes."""
_MAX_TEXT_CHARACTERS = 4 * MAX_PICTURES_OF_REVIEW * MAX_URL_CHARACTERS
_MAX_ITEMS = 64
_MAX_DEPTH = 4
_MAX_EXAMPLES = 3
_MAX_EXAMPLE_CHARACTERS = 40


@dataclass
class PictureCounts:
    """What was no address, with examples, and what was one too many."""

    unread: int = 0
    dropped: int = 0
    examples: list[str] = field(default_factory=list)


class PictureUrls:
    """Parses the column of pictures, and counts what it leaves out."""

    def __init__(self) -> None:
        self.counts = PictureCounts()

    def __call__(self, value: Any) -> str | None:
        """The addresses of a review's pictures, separated by spaces; None without any."""
        if value is None or value == "" or value == []:
            return None
        urls: dict[str, None] = {}
        for item in islice(_items(value, 0), _MAX_ITEMS):
            if len(item) <= MAX_URL_CHARACTERS and _URL.fullmatch(item):
                urls[item] = None
            else:
                self._count_unread(item)
        self.counts.dropped += max(0, len(urls) - MAX_PICTURES_OF_REVIEW)
        return URL_SEPARATOR.join(list(urls)[:MAX_PICTURES_OF_REVIEW]) or None

    def _count_unread(self, item: str) -> None:
        self.counts.unread += 1
        example, examples = repr(item)[:_MAX_EXAMPLE_CHARACTERS], self.counts.examples
        if len(examples) < _MAX_EXAMPLES and example not in examples:
            examples.append(example)

    def warnings(self) -> list[str]:
        """What a user should know about them."""
        warnings, counts = [], self.counts
        if counts.unread:
            examples = ", ".join(counts.examples)
            warnings.append(f"{counts.unread} pictures are not http addresses, such as {examples}")
        if counts.dropped:
            limit = f"only the first {MAX_PICTURES_OF_REVIEW} pictures of a review are kept"
            warnings.append(f"{counts.dropped} pictures were left out: {limit}")
        return warnings


def _items(value: Any, depth: int) -> Iterator[str]:
    """The texts that should be addresses; of a picture in several sizes, the largest."""
    if isinstance(value, str):
        yield from _in_text(value, depth)
    elif depth < _MAX_DEPTH and isinstance(value, list | tuple):
        for each in value[:_MAX_ITEMS]:
            yield from _items(each, depth + 1)
    elif depth < _MAX_DEPTH and isinstance(value, dict):
        for key in _LARGEST_FIRST:
            if sizes := list(islice(_items(value.get(key), depth + 1), _MAX_ITEMS)):
                yield from sizes
                return
        yield str(value)[:_MAX_EXAMPLE_CHARACTERS]
    elif present(value) is not None:
        yield str(value)[:_MAX_EXAMPLE_CHARACTERS]


def _in_text(text: str, depth: int) -> Iterator[str]:
    text = text[:_MAX_TEXT_CHARACTERS].strip()
    if present(text) is None:
        return
    if text[0] in "[{":
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            text = text.translate(_LIST_MARKS)
        else:
            yield from _items(parsed, depth + 1)
            return
    yield from (part.strip(",;|") for part in _SEPARATORS.split(text) if part.strip(",;|"))
