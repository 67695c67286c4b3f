"""JSON lines, and JSON arrays with one object per line."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from lambdas.collection.reading.encoding import decode_text
from lambdas.collection.reading.formats.exact import may_have_big_integers, parse_exactly
from lambdas.collection.reading.formats.python_literal import is_dictionary, parse_dictionary
from lambdas.collection.reading.lines import Overlong, numbered_blocks
from lambdas.collection.reading.place import Place
from lambdas.collection.reading.records import Bad, Record, StreamState
from shared.schemas.ingest import RejectReason

_BOM = b"\xef\xbb\xbf"
_LENIENT = json.JSONDecoder(strict=False)
_GAP = re.compile(r"[\s,]*")
_loads = orjson.loads


def parse_json_lines(
    chunks: Iterator[bytes],
    state: StreamState,
    *,
    limit: int,
    array: bool,
    place: Place | None = None,
) -> Iterator[Record]:
    """Yield one record per line.

    With ``array`` the brackets and commas of an array around the objects are removed first. Blank
    lines are not records. A last line without a line end that does not parse is truncated.
    ``place`` says where to begin, and follows.
    """
    place = place or Place()
    closed = False
    for block, before, skip in numbered_blocks(chunks, limit, place):
        if isinstance(block, Overlong):
            yield Record(before + 1, _too_long(limit), block.head)
            continue
        loads = parse_exactly if may_have_big_integers(block) else _loads
        lines = block.split(b"\n")
        last = lines.pop()  # empty if the block ends at a line end
        number = before + skip
        for line in islice(lines, skip, None):
            number += 1
            if not line or line.isspace():  # a decompression bomb may have millions
                continue
            try:
                values = loads(line.rstrip(b", \r\t") if array else line)
                if values.__class__ is dict and len(line) <= limit:
                    yield Record(number, values, line)
                    continue
            except ValueError:
                pass
            odd = list(_odd_line(line, number, limit=limit, array=array))
            place.is_border = False
            yield from odd[:-1]
            place.is_border = True
            yield from odd[-1:]
        if lines:
            closed = lines[-1].rstrip().endswith(b"]")
        if last:
            closed = last.rstrip().endswith(b"]")
            place.is_border = False  # what follows would not know of this line
            yield from _last_line(last, number + 1, limit=limit, array=array)
    if array and not closed:
        state.warnings.append("the JSON array is not closed: the file is probably truncated")


def _too_long(limit: int) -> Bad:
    return Bad(RejectReason.TOO_LONG, f"the record has more than {limit} bytes")


def _odd_line(line: bytes, number: int, *, limit: int, array: bool) -> Iterator[Record]:
    body = line.strip().removeprefix(_BOM).strip(b" \t\0")
    if array:
        body = body.lstrip(b"[, \t").rstrip(b", \t")
        if body == b"]":
            return
    if not body:
        return
    if len(line) > limit:
        yield Record(number, _too_long(limit), line)
        return
    objects = objects_in(body)
    if not objects and array and body.endswith(b"]"):
        objects = objects_in(body[:-1].rstrip(b", \t"))
    for values in objects:
        yield Record(number, values, line)
    if not objects:
        yield Record(number, Bad(RejectReason.MALFORMED, _why(body)), line)


def _last_line(line: bytes, number: int, *, limit: int, array: bool) -> Iterator[Record]:
    """A line without a line end: if it is not a whole record, the file is truncated in it."""
    for record in _odd_line(line, number, limit=limit, array=array):
        if isinstance(record.values, Bad) and record.values.reason is RejectReason.MALFORMED:
            cut = Bad(RejectReason.TRUNCATED, "the file ends inside this record")
            yield Record(number, cut, line)
        else:
            yield record


def objects_in(body: bytes) -> list[dict[str, Any]]:
    """Parse a line that is not a plain JSON object.

    Accepts what other readers accept: NaN, control characters in strings, bytes that are not
    UTF-8, halves of surrogate pairs, several objects side by side, a Python dictionary.

    Returns:
        The objects; none if any part of the line is not an object.
    """
    if is_dictionary(body):
        return _python_dictionary(decode_text(body))
    try:
        whole = parse_exactly(body)
    except ValueError:
        return _objects_leniently(decode_text(body))
    return [whole] if isinstance(whole, dict) else []


def _objects_leniently(text: str) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = []
    position = 0
    try:
        while position < len(text):
            values, position = _LENIENT.raw_decode(text, position)
            if not isinstance(values, dict):
                return []
            objects.append(values)
            position = _GAP.match(text, position).end()  # type: ignore[union-attr]
    except (ValueError, RecursionError):
        return []
    return objects


def _python_dictionary(text: str) -> list[dict[str, Any]]:
    values = parse_dictionary(text)
    return [] if values is None else [values]


def _why(body: bytes) -> str:
    if is_dictionary(body):
        return "not a JSON object, and not a dictionary of Python with constants only"
    try:
        json.loads(decode_text(body))
    except json.JSONDecodeError as error:
        return f"not a JSON object: {error.msg} at column {error.colno}"
    except (ValueError, RecursionError):
        return "not a JSON object"
    return "not a JSON object"
