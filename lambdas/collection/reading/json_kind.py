"""How a file of JSON objects is laid out, from its sample."""

import re
from dataclasses import dataclass

from lambdas.collection.reading.formats.json_lines import objects_in
from lambdas.collection.reading.formats.json_stream import object_end, starts_of

_LINES = 200
_COLUMN_LINES = 2000
_LONGEST = 2**17


@dataclass(frozen=True)
class JsonKind:
    """The layout (one object a line, or anywhere), whether in an array, and the keys seen."""

    array: bool
    a_line_each: bool
    starts: re.Pattern[bytes]
    columns: list[str]


def json_kind(sample: bytes) -> JsonKind | None:
    """Look at a sample; None where it does not look like JSON objects."""
    start = sample.lstrip(b" \t\r\n\0\xef\xbb\xbf")[:1]
    lines = [line for line in map(bytes.strip, sample.split(b"\n", _COLUMN_LINES)) if line]
    lines = [line for line in lines[:_COLUMN_LINES] if line not in (b"[", b"]", b",")]
    braces = sum(line.startswith((b"{", b"[{", b",{", b"[ {", b", {")) for line in lines)
    if start not in (b"{", b"[") and braces * 2 <= len(lines):
        return None
    array = start == b"["
    starts = starts_of(sample)
    single, columns = _by_line(lines, array=array)
    first = sample.find(b"{")
    if single * 2 >= min(len(lines), _LINES) or first < 0:
        return JsonKind(array, True, starts, columns)
    spread, found = _by_object(sample, first)
    if not spread:
        return JsonKind(array, True, starts, columns)
    return JsonKind(array, False, starts, found)


def _by_line(lines: list[bytes], *, array: bool) -> tuple[int, list[str]]:
    """Count the lines that hold exactly one object, and collect the keys of all."""
    single = 0
    columns: dict[str, None] = {}
    for place, line in enumerate(lines):
        body = line.strip(b"[], \t") if array else line
        values = objects_in(body) if len(line) < _LONGEST else []
        single += place < _LINES and len(values) == 1
        for one in values:
            columns.update(dict.fromkeys(map(str, one)))
    return single, list(columns)


def _by_object(sample: bytes, position: int) -> tuple[bool, list[str]]:
    """Whether objects are spread over lines or share one, and their keys."""
    columns: dict[str, None] = {}
    spread = False
    for _ in range(_COLUMN_LINES):
        end = object_end(sample, position)
        if end < 0:
            break
        found = objects_in(sample[position:end])
        following = sample.find(b"{", end)
        between = sample[end : following if following >= 0 else len(sample)]
        spread |= bool(found) and (b"\n" in sample[position:end] or b"\n" not in between)
        for values in found:
            columns.update(dict.fromkeys(map(str, values)))
        if following < 0:
            break
        position = following
    return spread, list(columns)
