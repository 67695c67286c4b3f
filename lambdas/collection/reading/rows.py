"""Turns the raw values of a record into a clean row, or into the reason why it is rejected."""

from collections.abc import Callable
from operator import call, itemgetter
from typing import Any

from lambdas.collection.reading.cleaning import clean_text, storable
from lambdas.collection.reading.dates import to_micros
from lambdas.collection.reading.identity import (
    bounded_id,
    content_id,
    review_id_of,
    reviewer_keys,
)
from lambdas.collection.reading.records import Bad
from lambdas.collection.reading.schemas import Schema
from lambdas.collection.reading.values import Memoizer, parse_flag, parse_rating, parse_votes
from shared.schemas.ingest import RejectReason
from shared.schemas.review import DUMP_FIELDS, FieldType

_NO_TEXT = Bad(RejectReason.NO_TEXT, "no text is left after cleaning")
_TEXT_INVALID = Bad(RejectReason.MALFORMED, "the text is not a string")
_RATING_DETAIL = {
    RejectReason.RATING_INVALID: "the rating {} is not a number",
    RejectReason.RATING_OUT_OF_RANGE: "the rating {} is not within 1..5",
}

# Fields with rules of their own, by their names in mappings. RowMaker.make unpacks them in this
# order; every other field of a dump is parsed by its type alone.
_SPECIAL = ("text", "rating", "title", "product_id", "reviewer", "date", "review_id", "source")
_SPECIAL_COUNT = len(_SPECIAL)
_SPECIAL_COLUMNS = (
    *("review_id", "record", "source", "product_id", "reviewer_key", "rating", "title", "text"),
    *("original_text", "reviewed_at"),
)
"""Columns made of the special fields, in the order in which RowMaker.make returns them."""
TEXT = _SPECIAL_COLUMNS.index("text")
"""Position of the text in every row."""

Picker = Callable[[Any], tuple[Any, ...]]


def _sources(schema: Schema, name: str | None, columns: list[str] | None) -> tuple[str, ...]:
    """The columns that a field may come from; empty where the dump has none of them."""
    names = schema.columns.get(name or "", ())
    return names if columns is None else tuple(each for each in names if each in columns)


def _make_picker(sources: list[tuple[str, ...]], columns: list[str] | None) -> Picker:
    """Make the function that picks the fields of a dump out of a record.

    Args:
        sources: the columns of each field, in order of preference.
        columns: the header where records are lists; None where they are dictionaries.
    """
    if columns is None:
        return _dict_picker(sources)
    absent = len(columns)
    get: Picker = itemgetter(*(columns.index(names[0]) if names else absent for names in sources))

    def pick(values: list[Any]) -> tuple[Any, ...]:
        values.append(None)
        return get(values)

    return pick


def _dict_picker(sources: list[tuple[str, ...]]) -> Picker:
    first = [names[0] if names else None for names in sources]
    alternatives = [(place, names[1:]) for place, names in enumerate(sources) if len(names) > 1]

    def pick(values: dict[Any, Any]) -> tuple[Any, ...]:
        picked = tuple(map(values.get, first))
        for place, names in alternatives:
            if picked[place] is None:
                value = next((values[n] for n in names if values.get(n) is not None), None)
                if value is not None:
                    picked = (*picked[:place], value, *picked[place + 1 :])
        return picked

    return pick


class RowMaker:
    """Makes the rows of one dump; caches values that repeat (titles, days, ratings)."""

    def __init__(self, schema: Schema, columns: list[str] | None, key: bytes) -> None:
        self._schema = schema
        plain = [
            field
            for field in DUMP_FIELDS
            if field.dump_name not in _SPECIAL and _sources(schema, field.dump_name, columns)
        ]
        names = (*_SPECIAL, *(field.dump_name for field in plain))
        self._pick = _make_picker([_sources(schema, name, columns) for name in names], columns)
        self._reviewer_key = reviewer_keys(key)
        self._source = storable(schema.constant_source or schema.name)
        self._is_named = schema.name != "mapped" or schema.constant_source is not None
        self._rating = Memoizer(parse_rating)
        self._date = Memoizer(to_micros)
        self._title = Memoizer(_title)
        self._id = Memoizer(_identifier)
        parsers: dict[FieldType, Callable[[Any], Any]] = {
            FieldType.TEXT: self._title,
            FieldType.NAME: self._id,
            FieldType.IDENTIFIER: self._id,
            FieldType.FLAG: Memoizer(parse_flag),
            FieldType.COUNT: Memoizer(parse_votes),
        }
        self._plain = tuple(parsers[field.type] for field in plain)
        self.columns = (*_SPECIAL_COLUMNS, *(field.name for field in plain))
        """Columns of the rows; the dump has no others of CLEAN_SCHEMA."""
        self.dates_unread = 0

    def make(self, values: Any, record: int) -> tuple[Any, ...]:
        """Make a row of ``columns`` (times in microseconds), or a Bad."""
        picked = self._pick(values)
        text, stars, title, product, reviewer, written, own_id, source = picked[:_SPECIAL_COUNT]
        if text.__class__ is not str:
            if text is None:
                return _NO_TEXT
            if isinstance(text, bool) or not isinstance(text, int | float):
                return _TEXT_INVALID
            text = str(text)
        cleaned = clean_text(text)
        if not cleaned:
            return _NO_TEXT
        if cleaned in self._schema.no_text:
            return Bad(RejectReason.NO_TEXT, f"the text {cleaned!r} means that there is none")
        rating = self._rating(stars)
        if isinstance(rating, RejectReason):
            return Bad(rating, _RATING_DETAIL[rating].format(repr(stars)[:60]))
        micros = None if written is None or written == "" else self._when(written)
        title = self._title(title)
        product = self._id(product)
        reviewer_key = None
        if reviewer is not None and (name := str(reviewer).strip()):
            reviewer_key = self._reviewer_key(name)
        own_source = None if source is None else self._id(source)
        source = own_source or self._source
        own_id = clean_text(str(own_id)) if own_id is not None and self._schema.own_ids else ""
        if own_id and (own_source or self._is_named):
            review_id = review_id_of(source, own_id)
        else:
            # ids of a dump without a source name may also be those of any other dump
            content = (product, reviewer_key, rating, micros, title, cleaned)
            review_id = content_id(*content, own_id=own_id)
        return (
            review_id,
            record,
            source,
            product,
            reviewer_key,
            rating,
            title,
            cleaned,
            None if cleaned == text else storable(text),
            micros,
            *map(call, self._plain, picked[_SPECIAL_COUNT:]),
        )

    def _when(self, written: Any) -> int | None:
        micros = self._date(written)
        if micros is None:
            self.dates_unread += 1
        return micros


def _title(value: Any) -> str | None:
    if value is None or isinstance(value, list | dict):
        return None
    return clean_text(str(value)) or None


def _identifier(value: Any) -> str | None:
    if value is None or isinstance(value, list | dict):
        return None
    return bounded_id(clean_text(str(value))) or None
