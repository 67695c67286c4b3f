"""Reads the word list of a part.

A section starts with its name in brackets on a line; entries are separated by line ends or
semicolons, their fields by `` | ``::

    [colour]
    red; dark green
    [product: part]
    kettle | lid, spout

The second section has two fields: ``{product}`` and ``{part}`` in a frame come from one entry, and
the alternatives of the further fields are separated by commas.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from sagemaker_jobs.contrast import test, train

Part = Literal["train", "test"]
_PACKAGES = {"train": train, "test": test}  # imported, so that packaging includes their files
_SECTION = re.compile(r"^\[([^\]:|]+)(?::([^\]|]*))?\]$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class WordList:
    """The entries of a section: each has the first field's text and alternatives of the others."""

    name: str
    fields: tuple[str, ...]
    entries: tuple[tuple[tuple[str, ...], ...], ...]


def folder_of(part: Part) -> Path:
    """The folder of a part's words and frames."""
    return Path(_PACKAGES[part].__path__[0])


@cache
def load_words(part: Part) -> dict[str, WordList]:
    """The lists of a part, under the name of each field.

    Raises:
        ValueError: two sections have the same field, or an entry lacks a field.
    """
    lists: dict[str, WordList] = {}
    for section in _sections((folder_of(part) / "words.lexicon").read_text(encoding="utf-8")):
        for field in section.fields:
            if field in lists:
                raise ValueError(f"words.lexicon of {part}: two lists have the field {field}")
            lists[field] = section
    return lists


def _sections(text: str) -> Iterator[WordList]:
    heads = list(_SECTION.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    for head, end in zip(heads, ends, strict=True):
        fields = (head[1].strip(), *(head[2] or "").split())
        lines = re.split(r"[;\n]", text[head.end() : end])
        entries = tuple(_entry(line, fields) for line in lines if line.strip())
        yield WordList(fields[0], fields, tuple(dict.fromkeys(entries)))


def _entry(line: str, fields: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    first, *others = (part.strip() for part in line.split(" | "))
    if len(others) != len(fields) - 1:
        raise ValueError(f"words.lexicon: {line.strip()!r} must have the fields {fields}")
    return (first,), *(tuple(word.strip() for word in other.split(",")) for other in others)
