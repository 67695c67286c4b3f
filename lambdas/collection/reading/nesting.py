"""Values in nested objects, which dotted paths name (``review.body``)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lambdas.collection.reading.columns import choose_column, group_names
from lambdas.collection.reading.records import Record
from lambdas.collection.reading.schemas import Schema, choose_schema
from shared.errors import IngestError
from shared.schemas.review import MAPPING_FIELDS

_MAX_DEPTH = 6


def choose_nested(
    columns: list[str], objects: list[dict[Any, Any]], mapping: Mapping[str, str] | None
) -> Schema:
    """Choose the schema of objects: by their keys and, where these do not suffice, by dotted paths.

    Raises:
        IngestError: mapping_invalid or schema_unknown.
    """
    flat_names = set(columns)
    nested = [name for name in nested_columns(objects) if name not in flat_names]
    if not nested:
        return choose_schema(columns, mapping)
    if mapping is not None:
        return choose_schema([*columns, *nested], mapping)
    enclosing = {str(k) for each in objects for k, v in each.items() if isinstance(v, dict)}
    flat = [name for name in columns if name not in enclosing]
    try:
        schema = choose_schema(columns, mapping)
    except IngestError:
        return choose_schema([*flat, *nested], mapping)
    if enclosing.isdisjoint(schema.columns.get("text", ())):
        return _with_nested(schema, enclosing, [*flat, *nested])
    try:
        return choose_schema([*flat, *nested], mapping)
    except IngestError:
        return schema


def _with_nested(schema: Schema, enclosing: set[str], names: list[str]) -> Schema:
    """Take from dotted paths what the objects themselves lack, or have only as an object.

    A rating keeps its object, which may state the best rating; ids of nested objects are not those
    of the review.
    """
    if schema.name != "mapped":
        return schema
    columns, groups = dict(schema.columns), group_names(names)
    for field in MAPPING_FIELDS:
        chosen = columns.get(field, ())
        if field in ("text", "review_id") or (chosen and enclosing.isdisjoint(chosen)):
            continue
        candidates = choose_column(field, groups)
        if len(candidates) == 1 and "." in candidates[0]:
            columns[field] = (
                (candidates[0], *chosen) if field != "rating" else (*chosen, candidates[0])
            )
    return replace(schema, columns=columns)


def flatten(records: Iterator[Record], names: Iterable[str]) -> Iterator[Record]:
    """Add the values of dotted paths to each record."""
    paths = list(names)
    for record in records:
        values = record.values
        if values.__class__ is dict:
            for path in paths:
                values[path] = pick_nested(values, path)
        yield record


def nested_columns(objects: list[dict[Any, Any]]) -> list[str]:
    """Dotted paths of the values in nested objects."""
    columns: dict[str, None] = {}
    for each in objects:
        for key, value in each.items():
            if isinstance(value, dict):
                columns.update(dict.fromkeys(_dotted(value, str(key), 0)))
    return list(columns)


def _dotted(value: dict[Any, Any], prefix: str, depth: int) -> Iterator[str]:
    for key, inner in value.items():
        name = f"{prefix}.{key}"
        if not isinstance(inner, dict):
            if not str(key).startswith("$"):  # {"$oid": …} is one value
                yield name
        elif depth < _MAX_DEPTH:
            yield from _dotted(inner, name, depth + 1)


def pick_nested(values: dict[str, Any], name: str) -> Any:
    """The value of a key, or of a dotted path if there is no such key."""
    if name in values:
        return values[name]
    value: Any = values
    for key in name.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
