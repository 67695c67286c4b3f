"""A dump that is ready to be read: its records and how each becomes a row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lambdas.collection.reading.nesting import choose_nested, flatten, nested_columns
from lambdas.collection.reading.options import Profile, ReadOptions
from lambdas.collection.reading.place import Place
from lambdas.collection.reading.records import Record, StreamState
from lambdas.collection.reading.rows import RowMaker
from lambdas.collection.reading.schemas import Schema, choose_schema


@dataclass
class Opened:
    """A dump that is ready to be read."""

    records: Iterator[Record]
    state: StreamState
    profile: Profile
    maker_for: Callable[[Record | None], RowMaker] = field(repr=False)
    """Makes the row maker; of the first record, unless the columns are known (see ``place``)."""
    place: Place | None = None
    """Follows the parser; None if no later run can go on in the middle of the dump."""


def open_dicts(
    name: str,
    records: Iterator[Record],
    columns: list[str],
    state: StreamState,
    options: ReadOptions,
    *,
    objects: list[dict[str, Any]] | None = None,
    place: Place | None = None,
) -> Opened:
    """Make the dump of records that are dictionaries; ``objects`` are the first of them."""
    known: Schema | None = None
    if columns:
        known = choose_nested(columns, objects or [], options.mapping)
        used = {each for names in known.columns.values() for each in names if "." in each}
        if nested := sorted(used.difference(columns).intersection(nested_columns(objects or []))):
            records = flatten(records, nested)
            columns = [*columns, *nested]
    profile = make_profile(name, state, known.name if known else "unknown", columns)

    def maker_for(record: Record | None) -> RowMaker:
        # if the sample has no complete record, the first record decides
        names = map(str, record.values if record else ())
        schema = known or choose_schema(names, options.mapping)
        profile.dump_schema = schema.name
        return RowMaker(schema, None, options.reviewer_key)

    return Opened(records, state, profile, maker_for, place if known else None)


def make_profile(name: str, state: StreamState, schema: str, columns: list[str]) -> Profile:
    """Describe a dump."""
    return Profile(name, state.compression, state.encoding, schema, tuple(columns))
