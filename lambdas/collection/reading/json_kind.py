"""Detects the layout of a file of JSON objects from a sample."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from lambdas.collection.reading.formats.json_lines import objects_in
from lambdas.collection.reading.formats.json_stream import object_end, starts_of

_LINES = 200
_COLUMN_LINES = 2000
_OBJECTS = 100
_MAX_LINE_BYTES = 2**17


@dataclass(frozen=True)
class JsonKind:
    """The layout (one object per line or not), whether it is an array, and the keys."""

    array: bool
    one_per_line: bool
    starts: re.Pattern[bytes]
    columns: list[str]
    objects: list[dict[str, Any]]
    """The first objects of the sample."""


def json_kind(sample: bytes) -> JsonKind | None:
    """Detect the layout of a sample; None if it does not look like JSON objects."""
    start = sample.lstrip(b" \t\r\n\0\xef\xbb\xbf")[:1]
    lines = [line for line in map(bytes.strip, sample.split(b"\n", _COLUMN_LINES)) if line]
    lines = [line for line in lines[:_COLUMN_LINES] if line not in (b"[", b"]", b",")]
    braces = sum(line.startswith((b"{", b"[{", b",{", b"[ {", b", {")) for line in lines)
    if start not in (b"{", b"[") and braces * 2 <= len(lines):
        return None
    array = start == b"["
    starts = starts_of(sample)
    single, columns, objects = _by_line(lines, array=array)
    first = sample.find(b"{")
    if single * 2 >= min(len(lines), _LINES) or first < 0:
        return JsonKind(array, True, starts, columns, objects)
    spread, keys, inner = _by_object(sample, first)
    if not spread:
        return JsonKind(array, True, starts, columns, objects)
    return JsonKind(array, False, starts, keys, inner)


def _by_line(lines: list[bytes], *, array: bool) -> tuple[int, list[str], list[dict[str, Any]]]:
    """Count the lines with exactly one object; collect all keys and the first objects."""
    single = 0
    columns: dict[str, None] = {}
    first: list[dict[str, Any]] = []
    for place, line in enumerate(lines):
        body = line.strip(b"[], \t") if array else line
        values = _objects(body) if len(line) < _MAX_LINE_BYTES else []
        first += values[: _OBJECTS - len(first)]
        single += place < _LINES and len(values) == 1
        for one in values:
            if not one.keys() <= columns.keys():
                columns.update(dict.fromkeys(map(str, one)))
    return single, list(columns), first


def _objects(body: bytes) -> list[dict[str, Any]]:
    """The objects in a part of the sample; their digits do not matter here."""
    try:
        whole = orjson.loads(body)
    except ValueError:
        return objects_in(body)
    return [whole] if whole.__class__ is dict else []


def _by_object(sample: bytes, position: int) -> tuple[bool, list[str], list[dict[str, Any]]]:
    """Whether objects span several lines or share one; all keys and the first objects."""
    columns: dict[str, None] = {}
    first: list[dict[str, Any]] = []
    spread = False
    for _ in range(_COLUMN_LINES):
        end = object_end(sample, position)
        if end < 0:
            break
        objects = _objects(sample[position:end])
        first += objects[: _OBJECTS - len(first)]
        following = sample.find(b"{", end)
        between = sample[end : following if following >= 0 else len(sample)]
        spread |= bool(objects) and (b"\n" in sample[position:end] or b"\n" not in between)
        for values in objects:
            columns.update(dict.fromkeys(map(str, values)))
        if following < 0:
            break
        position = following
    return spread, list(columns), first
