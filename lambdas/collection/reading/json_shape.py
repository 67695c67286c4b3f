"""Finds the records in a JSON document that is not a plain list of objects."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from lambdas.collection.reading.encoding import decode_text
from lambdas.collection.reading.formats.json_paths import ANY_KEY, ITEM, Path, path_text
from lambdas.collection.reading.nesting import choose_nested, nested_columns, pick_nested
from lambdas.collection.reading.schemas import choose_schema
from shared.errors import IngestError

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[{}\[\],]', re.DOTALL)
_CLOSING = {b"{"[0]: b"}", b"["[0]: b"]"}
_MAX_DEPTH = 6
_MAX_OBJECTS = 200
_USUAL_KEYS = ("reviews", "review", "data", "results", "items", "entry", "entries", "records")

Convert = Callable[[Any], dict[str, Any] | None]


@dataclass(frozen=True)
class Shape:
    """Where the records are, their columns, and how each becomes a dictionary."""

    path: Path
    columns: list[str]
    convert: Convert
    objects: list[dict[str, Any]] = field(default_factory=list)
    """The first records."""
    has_header: bool = False
    """Whether the first record names the columns."""


class ByColumns(Exception):  # noqa: N818 - not a failure
    """The document has one object or list per column and must be read as a whole."""


def complete_json(sample: bytes) -> Any:
    """Parse the beginning of a JSON document up to a flaw or a cut; None if nothing is left."""
    body = _closed_at_last_value(sample)
    try:
        return orjson.loads(body)
    except ValueError:
        pass
    for _ in range(2):
        text = decode_text(body)
        try:
            return json.loads(text, strict=False)
        except json.JSONDecodeError as error:
            body = _closed_at_last_value(text[: error.pos].encode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None
    return None


def _closed_at_last_value(sample: bytes) -> bytes:
    stack: list[int] = []
    end = depth = 0
    for token in _TOKEN.finditer(sample):
        mark = sample[token.start()]
        if mark in _CLOSING:
            stack.append(mark)
        elif mark in b"}]":
            del stack[-1:]
            end, depth = token.end(), len(stack)
            if not stack:
                break
        elif mark in b",":
            end, depth = token.start(), len(stack)
    # whatever is closed ends a value, so the stack has only grown since then
    return sample[:end] + b"".join(_CLOSING[mark] for mark in reversed(stack[:depth]))


def find_shape(
    document: Any,
    mapping: Mapping[str, str] | None,
    *,
    path: Path | None,
    headerless: bool,
    known: list[str],
) -> Shape | None:
    """Find the records of a document by its beginning; None if it is a record or a list of records.

    ``known`` are the keys of all objects at the top of the sample.

    Raises:
        IngestError: mapping_invalid, if nothing is at ``path``; schema_unknown, if several lists
            could be the records.
        ByColumns: the document has one object or list per column.
    """
    if path is not None:
        return _shape_at(document, path)
    if isinstance(document, list):
        return _shape_of_list(document, mapping, headerless=headerless)
    if not isinstance(document, dict) or _is_record(document, mapping):
        return None
    if (split := _split_shape(document)) is not None:
        return split
    lists = list(_lists(document, ()))
    readable = [shape for shape, objects in lists if _any_record(objects, mapping)]
    if readable:
        return min(readable, key=_rank)
    if _is_by_column(document, mapping):
        raise ByColumns
    if _is_index_orient(document, mapping):
        values = [value for value in document.values() if isinstance(value, dict)]
        return _shape_of((ANY_KEY,), values)
    if not lists or _has_text(known, mapping):
        return None
    if len(lists) == 1:
        return lists[0][0]
    raise _several(lists)


def _several(lists: list[tuple[Shape, list[dict[str, Any]]]]) -> IngestError:
    shown = "; ".join(
        f"{path_text(s.path)} (keys {', '.join(s.columns[:8])})" for s, _ in lists[:8]
    )
    return IngestError(
        "schema_unknown",
        f"the JSON document has several lists, and none has a known text: {shown}. "
        "Choose one with --map records=PATH,text=KEY",
    )


def _rank(shape: Shape) -> tuple[int, int]:
    key = next((step for step in reversed(shape.path) if step != ITEM), "").lower()
    usual = _USUAL_KEYS.index(key) if key in _USUAL_KEYS else len(_USUAL_KEYS)
    return usual, len(shape.path)


def _lists(value: Any, path: Path) -> Iterator[tuple[Shape, list[dict[str, Any]]]]:
    """Yield the shape and the objects of every list of objects in a document."""
    if len(path) > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, child in list(value.items())[:_MAX_OBJECTS]:
            yield from _lists(child, (*path, key))
    elif isinstance(value, list):
        objects = [each for each in value[:_MAX_OBJECTS] if isinstance(each, dict)]
        if objects:
            here = (*path, ITEM)
            yield _shape_of(here, objects), objects
            keys = {key for each in objects for key in each}
            for key in sorted(keys):
                for each in objects:
                    inner = list(_lists(each.get(key), (*here, key)))
                    if inner:
                        yield from inner
                        break


def _shape_of_list(
    rows: list[Any], mapping: Mapping[str, str] | None, *, headerless: bool
) -> Shape | None:
    """A list of lists (a table), or a list of objects with the reviews inside of them."""
    if rows and all(isinstance(row, list) for row in rows):
        if headerless:
            return _table((ITEM,), [str(n + 1) for n in range(max(map(len, rows)))])
        return replace(_table((ITEM,), [str(name) for name in rows[0]]), has_header=True)
    objects = [each for each in rows[:_MAX_OBJECTS] if isinstance(each, dict)]
    if not objects or any(_is_record(each, mapping) for each in objects):
        return None
    inner = [
        shape
        for shape, found in _lists(rows, ())
        if len(shape.path) > 1 and _any_record(found, mapping)
    ]
    return min(inner, key=_rank) if inner else None


def _split_shape(document: dict[str, Any]) -> Shape | None:
    """The rows of ``DataFrame.to_json(orient="split")``."""
    columns, data = document.get("columns"), document.get("data")
    if not isinstance(columns, list) or not isinstance(data, list):
        return None
    if not all(isinstance(row, list) for row in data):
        return None
    return _table(("data", ITEM), [str(name) for name in columns])


def _table(path: Path, columns: list[str]) -> Shape:
    def convert(row: Any) -> dict[str, Any] | None:
        if not isinstance(row, list) or len(row) != len(columns):
            return None
        return dict(zip(columns, row, strict=True))

    return Shape(path, columns, convert)


def _is_record(values: dict[str, Any], mapping: Mapping[str, str] | None) -> bool:
    """Whether an object is a review: its text is neither an object nor a list."""
    try:
        schema = choose_nested(list(map(str, values)), [values], mapping)
    except IngestError:
        return False
    columns = [*values, *nested_columns([values])]
    return any(
        name in columns and not isinstance(pick_nested(values, name), dict | list)
        for name in schema.columns.get("text", ())
    )


def _any_record(objects: list[dict[str, Any]], mapping: Mapping[str, str] | None) -> bool:
    unwrap = _converter(objects)
    return any(_is_record(unwrap(each) or {}, mapping) for each in objects[:20])


def _is_by_column(document: dict[str, Any], mapping: Mapping[str, str] | None) -> bool:
    """Whether the keys are columns: all values are objects, or all are lists, of scalars."""
    values = list(document.values())
    for kind in (dict, list):
        if values and all(isinstance(value, kind) for value in values):
            cells = [cell for value in values for cell in list(_items(value))[:20]]
            if cells and not any(isinstance(cell, dict) for cell in cells):
                return _has_text(list(document), mapping)
    return False


def _items(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def _has_text(columns: list[str], mapping: Mapping[str, str] | None) -> bool:
    try:
        choose_schema(columns, mapping)
    except IngestError:
        return False
    return True


def _is_index_orient(document: dict[str, Any], mapping: Mapping[str, str] | None) -> bool:
    values = [value for value in document.values() if isinstance(value, dict)]
    return len(values) == len(document) > 0 and _any_record(values, mapping)


def _shape_at(document: Any, path: Path) -> Shape:
    """The shape of the records at a path that the mapping names."""
    values = [document]
    for place, step in enumerate(path):
        following = [inner for value in values for inner in _inside(value, step)]
        if not following:
            keys = sorted({key for value in values if isinstance(value, dict) for key in value})
            where = path_text(path[:place]) or "the document"
            listed = ", ".join(keys[:40]) or "none"
            message = f"records={path_text(path)}: {where} has no {step!r}; its keys are {listed}"
            raise IngestError("mapping_invalid", message, details={"keys": keys[:100]})
        values = following[:_MAX_OBJECTS]
    objects = [value for value in values if isinstance(value, dict)]
    if not objects:
        message = f"records={path_text(path)} does not lead to objects"
        raise IngestError("mapping_invalid", message)
    return _shape_of(path, objects)


def _inside(value: Any, step: str) -> list[Any]:
    if step == ITEM:
        return value[:_MAX_OBJECTS] if isinstance(value, list) else []
    if not isinstance(value, dict):
        return []
    if step == ANY_KEY:
        return list(value.values())
    return [value[step]] if step in value else []


def _converter(objects: list[dict[str, Any]]) -> Convert:
    """Make the function that unwraps the objects of a feed: {"label": "5"} is "5"."""
    first = objects[:_MAX_OBJECTS]
    labelled = [v for each in first for v in each.values() if isinstance(v, dict) and "label" in v]
    if not labelled or len(labelled) * 2 < sum(len(each) for each in first):
        return lambda value: value if isinstance(value, dict) else None
    return unlabel


def unlabel(value: Any) -> dict[str, Any] | None:
    """An entry of an RSS feed in JSON without its wrappers and the prefix ``im:`` of its keys."""
    if not isinstance(value, dict):
        return None
    return {key.removeprefix("im:"): _label(inner) for key, inner in value.items()}


def _label(value: Any) -> Any:
    if isinstance(value, dict):
        if "label" in value:
            return value["label"]
        if isinstance(value.get("name"), dict):
            return _label(value["name"])
    return value


def _shape_of(path: Path, objects: list[dict[str, Any]]) -> Shape:
    convert = _converter(objects)
    first = [values for each in objects if (values := convert(each)) is not None]
    columns = list(dict.fromkeys(key for values in first for key in values))
    return Shape(path, columns, convert, first)
