"""Raw values to one clean row, or the reason why there is none."""

from collections.abc import Callable
from operator import itemgetter
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
from lambdas.collection.reading.schemas import FIELDS, Schema
from lambdas.collection.reading.values import Remembering, parse_flag, parse_rating, parse_votes
from shared.schemas.ingest import RejectReason

_NO_TEXT = Bad(RejectReason.NO_TEXT, "no text is left after cleaning")
_TEXT_INVALID = Bad(RejectReason.MALFORMED, "the text is not a string")
_RATING_DETAIL = {
    RejectReason.RATING_INVALID: "the rating {} is no number",
    RejectReason.RATING_OUT_OF_RANGE: "the rating {} is not within 1..5",
}

Take = Callable[[Any], tuple[Any, ...]]


def taker(schema: Schema, columns: list[str] | None) -> Take:
    """Make the function that takes the fields, in the order of FIELDS, out of a record.

    Args:
        schema: which column is which field.
        columns: the header where records are lists; None where they are dictionaries.
    """
    wanted = [schema.columns.get(name, ()) for name in FIELDS]
    if columns is None:
        return _from_dict(wanted)
    places: dict[str, int] = {}
    for place, column in enumerate(columns):
        places.setdefault(column, place)
    absent = len(columns)
    chosen = [next((places[n] for n in names if n in places), absent) for names in wanted]
    pick: Take = itemgetter(*chosen)

    def take(values: list[Any]) -> tuple[Any, ...]:
        values.append(None)
        return pick(values)

    return take


def _from_dict(wanted: list[tuple[str, ...]]) -> Take:
    first = [names[0] if names else None for names in wanted]
    others = [(place, names[1:]) for place, names in enumerate(wanted) if len(names) > 1]

    def take(values: dict[Any, Any]) -> tuple[Any, ...]:
        taken = tuple(map(values.get, first))
        for place, names in others:
            if taken[place] is None:
                instead = next((values[n] for n in names if values.get(n) is not None), None)
                if instead is not None:
                    taken = (*taken[:place], instead, *taken[place + 1 :])
        return taken

    return take


class RowMaker:
    """Makes the rows of one dump; holds what repeats (titles, days, ratings) in memory."""

    def __init__(self, schema: Schema, columns: list[str] | None, key: bytes) -> None:
        self._schema = schema
        self._take = taker(schema, columns)
        self._reviewer_key = reviewer_keys(key)
        self._source = storable(schema.constant_source or schema.name)
        self._is_named = schema.name != "mapped" or schema.constant_source is not None
        self._rating = Remembering(parse_rating)
        self._date = Remembering(to_micros)
        self._flag = Remembering(parse_flag)
        self._votes = Remembering(parse_votes)
        self._title = Remembering(_title)
        self._id = Remembering(_identifier)
        self.dates_unread = 0

    def make(self, values: Any, record: int) -> tuple[Any, ...]:
        """Make the row in the order of CLEAN_SCHEMA (time in microseconds), or a Bad."""
        (
            text, stars, title, product, product_title, category,
            reviewer, written, own_id, verified, votes, source,
        ) = self._take(values)  # fmt: skip
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
            return Bad(RejectReason.NO_TEXT, f"the text is {cleaned!r}, which stands for none")
        rating = self._rating(stars)
        if isinstance(rating, RejectReason):
            return Bad(rating, _RATING_DETAIL[rating].format(repr(stars)[:60]))
        micros = None if written is None or written == "" else self._when(written)
        title = self._title(title)
        product = self._id(product)
        reviewer_key = None
        if reviewer is not None and (name := str(reviewer).strip()):
            reviewer_key = self._reviewer_key(name)
        named = None if source is None else self._id(source)
        source = named or self._source
        own_id = clean_text(str(own_id)) if own_id is not None and self._schema.own_ids else ""
        if own_id and (named or self._is_named):
            review_id = review_id_of(source, own_id)
        else:
            # the numbers of a dump without a name may be those of any other dump, too
            content = (product, reviewer_key, rating, micros, title, cleaned)
            review_id = content_id(*content, own_id=own_id)
        return (
            review_id,
            record,
            source,
            product,
            self._title(product_title),
            self._id(category),
            reviewer_key,
            rating,
            title,
            cleaned,
            None if cleaned == text else storable(text),
            micros,
            self._flag(verified),
            self._votes(votes),
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
