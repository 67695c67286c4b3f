"""Bounds what answers show of a dump: a file of some kilobytes may have megabytes of names."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from shared.http.fitting import sent_bytes

MAX_NAME_CHARACTERS = 256
"""Of a column, as long as a mapping may name it."""
MAX_VALUE_CHARACTERS = 4096
"""Of a value in a row, as of a rejected row."""
MAX_DETAILS_BYTES = 400_000
_MAX_NAMES_BYTES = 600_000
_BRIEF = ("file", "format", "rows_read", "rejected", "stored", "duplicates", "error", "detail")
"""What remains of a member that has no space for more."""


def shorten(value: Any, limit: int = MAX_NAME_CHARACTERS) -> Any:
    """A value of JSON in which no text is longer than ``limit``; a cut one ends with an ellipsis.

    Names of fields stay as they are.
    """
    if isinstance(value, str):
        return value if len(value) <= limit else f"{value[: limit - 1]}…"
    if isinstance(value, dict):
        return {name: shorten(each, limit) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [shorten(each, limit) for each in value]
    return value


def fit_names(names: Iterable[str]) -> list[str]:
    """The first columns, as many as fit; long names are cut, which no mapping can have either."""
    shown, size = [], 0
    for name in map(shorten, names):
        size += _size(name)
        if size > _MAX_NAMES_BYTES:
            break
        shown.append(name)
    return shown


def fit_details(details: dict[str, Any]) -> dict[str, Any]:
    """What a dump turned out to be, in at most ``MAX_DETAILS_BYTES``.

    Of the members of an archive, the first ones are described in full, the next ones briefly, and
    ``members_left_out`` says how many are not described at all.
    """
    shown: dict[str, Any] = shorten(details)
    members = shown.pop("members", None)
    if not isinstance(members, list):
        return shown
    shown["members"] = _fit_members(members, MAX_DETAILS_BYTES - _size(shown))
    if left := len(members) - len(shown["members"]):
        shown["members_left_out"] = left
    return shown


def _fit_members(members: Sequence[dict[str, Any]], budget: int) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    size = 0
    for member in members:
        brief = {name: member[name] for name in _BRIEF if name in member}
        entry = member if size + _size(member) <= budget // 2 else brief
        size += _size(entry)
        if size > budget:
            break
        shown.append(entry)
    return shown


def _size(value: Any) -> int:
    return sent_bytes(json.dumps(value, ensure_ascii=False)) + 2
