"""Facts about a product that stand beside the list of its reviews."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.collection.reading.columns import choose_column, group_names
from lambdas.collection.reading.formats.json_paths import ANY_KEY, ITEM, Path

_FACTS = ("product_id", "product_title", "category", "brand")
_NAMES_OF_A_PRODUCT = {"product_id": ("id",), "product_title": ("name", "title")}
"""Names that these facts have in an object that is clearly a product."""
_MAX_OBJECTS = 50


@dataclass(frozen=True)
class Enclosing:
    """Where the objects around records have facts that the records lack."""

    columns: Mapping[tuple[int, str], str]
    """The column of a record for each place: how many steps lead to the object, and the key."""
    late: list[str]
    """Keys that come after the records, when it is too late."""


def find_enclosing(document: Any, path: Path, known: list[str]) -> Enclosing:
    """Find the facts around the records at ``path`` that have none of the ``known`` columns.

    The object nearest to the records is preferred.
    """
    columns = group_names(known)
    missing = [field for field in _FACTS if not choose_column(field, columns)]
    places: dict[tuple[int, str], str] = {}
    late: list[str] = []
    for depth, objects in reversed(list(_objects_on(document, path))):
        for field in list(missing):
            key = _key_of(field, objects)
            if key is None:
                continue
            missing.remove(field)
            if all(_is_before(key, path[depth], each) for each in objects if key in each):
                places[depth, key] = field
            else:
                late.append(key)
    return Enclosing(places, late)


def _objects_on(document: Any, path: Path) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The objects with a key of the path, by the number of steps that lead to them."""
    values = [document]
    for depth, step in enumerate(path):
        if step == ITEM:
            values = [each for value in values if isinstance(value, list) for each in value]
        elif step == ANY_KEY:
            return
        else:
            objects = [value for value in values if isinstance(value, dict) and step in value]
            if objects:
                yield depth, objects
            values = [each[step] for each in objects]
        values = values[:_MAX_OBJECTS]


def _key_of(field: str, objects: list[dict[str, Any]]) -> str | None:
    keys = list(
        dict.fromkeys(key for each in objects for key, value in each.items() if _is_fact(value))
    )
    groups = group_names(keys)
    if known := choose_column(field, groups):
        return known[0]
    if choose_column("product_id", groups) or objects[0].get("@type") == "Product":
        return next((key for key in _NAMES_OF_A_PRODUCT.get(field, ()) if key in keys), None)
    return None


def _is_fact(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _is_before(key: str, step: str, values: dict[str, Any]) -> bool:
    keys = list(values)
    return keys.index(key) < keys.index(step)
