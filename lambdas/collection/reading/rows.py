"""Turns the raw values of a record into a clean row, or into the reason why it is rejected."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from operator import call, itemgetter
from typing import Any

from lambdas.collection.reading.cleaning import clean_text, storable
from lambdas.collection.reading.conventions import Conventions
from lambdas.collection.reading.dates import to_micros
from lambdas.collection.reading.excluded import EXCLUDED, Excluded
from lambdas.collection.reading.identity import (
    bounded_id,
    content_id,
    review_id_of,
    reviewer_keys,
    row_ids,
)
from lambdas.collection.reading.picture_urls import PictureCounts, PictureUrls
from lambdas.collection.reading.ratings import RatingProblem
from lambdas.collection.reading.records import Bad
from lambdas.collection.reading.schemas import Schema
from lambdas.collection.reading.values import (
    MAX_MISSING_CHARACTERS,
    Memoizer,
    is_missing_word,
    parse_flag,
    parse_identifier,
    parse_name,
    parse_votes,
    present,
)
from shared.schemas.ingest import RejectReason
from shared.schemas.review import DUMP_FIELDS, FieldType

_NO_TEXT = Bad(RejectReason.NO_TEXT, "no text is left after cleaning")
_TEXT_INVALID = Bad(RejectReason.MALFORMED, "the text is not a string")

# Fields with rules of their own, by their names in mappings. RowMaker.make unpacks them in this
# order; every other field of a dump is parsed by its type alone.
_SPECIAL = ("text", "rating", "title", "product_id", "reviewer", "date", "review_id", "source")
_SPECIAL_COUNT = len(_SPECIAL)
_PRODUCT, _REVIEWER = _SPECIAL.index("product_id"), _SPECIAL.index("reviewer")
_SPECIAL_COLUMNS = (
    *("review_id", "record", "source", "product_id", "reviewer_key", "rating", "title", "text"),
    *("original_text", "reviewed_at"),
)
"""Columns made of the special fields, in the order in which RowMaker.make returns them."""
TEXT = _SPECIAL_COLUMNS.index("text")
"""Position of the text in every row."""
_MAX_EXAMPLES = 3
_MAX_EXAMPLE_CHARACTERS = 40

_PRESENT = frozenset({int, bool, list})
"""Types without a missing value."""

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
            value = picked[place]
            if value is None or (value.__class__ not in _PRESENT and present(value) is None):
                value = next((values[n] for n in names if present(values.get(n)) is not None), None)
                if value is not None:
                    picked = (*picked[:place], value, *picked[place + 1 :])
        return picked

    return pick


@dataclass(frozen=True)
class MakerMark:
    """What a dump has taught its row maker so far."""

    conventions: Conventions
    ratings_unread: dict[RatingProblem, int]
    rating_examples: list[str]
    dates_unread: int
    pictures: PictureCounts


class RowMaker:
    """Makes the rows of one dump; caches values that repeat (titles, days, ratings)."""

    def __init__(self, schema: Schema, columns: list[str] | None, key: bytes) -> None:
        self.schema = schema
        self._header = columns
        plain = [
            field
            for field in DUMP_FIELDS
            if field.dump_name not in _SPECIAL and _sources(schema, field.dump_name, columns)
        ]
        names = (*_SPECIAL, *(field.dump_name for field in plain))
        self._pick = _make_picker([_sources(schema, name, columns) for name in names], columns)
        self._reviewer_key = reviewer_keys(key)
        self._row_id = row_ids(key)
        self._source = storable(schema.constant_source or schema.name)
        self._has_ids = schema.own_ids
        self._by_row = schema.identified_by_row
        self._is_named = schema.name != "mapped" or schema.constant_source is not None
        self._title = Memoizer(_clean_name)
        self._id = Memoizer(_bounded(parse_identifier))
        self.pictures = PictureUrls()
        name = Memoizer(_bounded(parse_name))
        self._name = name
        parsers: dict[FieldType, Callable[[Any], Any]] = {
            FieldType.TEXT: self._title,
            FieldType.NAME: name,
            FieldType.IDENTIFIER: self._id,
            FieldType.FLAG: Memoizer(parse_flag),
            FieldType.COUNT: Memoizer(parse_votes),
            FieldType.URLS: self.pictures,
        }
        self._plain = tuple(parsers[field.type] for field in plain)
        self.columns = (*_SPECIAL_COLUMNS, *(field.name for field in plain))
        """Columns of the rows; the dump has no others of CLEAN_SCHEMA."""
        self.ratings_unread: Counter[RatingProblem] = Counter()
        self.rating_examples: list[str] = []
        self.dates_unread = 0
        self.conventions = Conventions()
        self._excluded: Excluded | None = None

    def exclude(self, excluded: Excluded) -> None:
        """Leave out the rows of some reviewers and products."""
        self._excluded = excluded or None

    def learn(self, sample: Sequence[Any], hints: Mapping[str, str]) -> None:
        """Decide the scale of ratings and the order of dates, before the first row is made.

        Raises:
            IngestError: mapping_invalid; an option of the mapping has no meaning.
        """
        decided = Conventions.decide(
            ratings=self._sampled("rating", sample),
            dates=self._sampled("date", sample),
            rating_columns=self.schema.columns.get("rating", ()),
            hints=hints,
            is_family=self.schema.name != "mapped",
        )
        self._decide(decided)

    def restore(self, mark: MakerMark) -> None:
        """Go on as the maker of an earlier run, instead of learning."""
        self._decide(mark.conventions)
        self.ratings_unread = Counter(mark.ratings_unread)
        self.rating_examples = list(mark.rating_examples)
        self.dates_unread = mark.dates_unread
        self.pictures.counts = deepcopy(mark.pictures)

    def mark(self) -> MakerMark:
        """What another maker needs to go on."""
        unread = dict(self.ratings_unread)
        examples, pictures = list(self.rating_examples), deepcopy(self.pictures.counts)
        return MakerMark(self.conventions, unread, examples, self.dates_unread, pictures)

    def _decide(self, conventions: Conventions) -> None:
        self.conventions = conventions
        self._rating = Memoizer(conventions.scale.scale.stars)
        self._date = Memoizer(partial(to_micros, order=conventions.dates.order))

    def _sampled(self, field: str, sample: Sequence[Any]) -> list[Any]:
        """The values of one field; unlike ``make``, it does not change the records."""
        names = _sources(self.schema, field, self._header)
        if not names:
            return []
        if self._header is not None:
            place = self._header.index(names[0])
            return [values[place] for values in sample]
        picked = [values.get(names[0]) for values in sample]
        if len(names) == 1 or _PRESENT.issuperset(map(type, picked)):
            return picked
        return [value for (value,) in map(_dict_picker([names]), sample)]

    def name_source(self, name: str) -> None:
        """Name the source after the dump, unless its schema or its mapping names it."""
        if not self._is_named:
            self._source = storable(name)

    def field_columns(self, columns: Iterable[str]) -> dict[str, list[str]]:
        """The columns of the dump that each field comes from, in order of preference."""
        present = set(columns)
        chosen = {
            field: [name for name in names if name in present]
            for field, names in self.schema.columns.items()
        }
        return {field: names for field, names in chosen.items() if names}

    def make(self, values: Any, record: int) -> tuple[Any, ...]:
        """Make a row of ``columns`` (times in microseconds), or a Bad."""
        picked = self._pick(values)
        reviewer, reviewer_key = picked[_REVIEWER], None
        # reviewers and ids rarely repeat, so that memoizing them would not pay
        if reviewer is not None and (name := parse_identifier(reviewer)):
            reviewer_key = self._reviewer_key(name)
        if self._excluded is not None and self._excluded.has(
            self._id(picked[_PRODUCT]), reviewer_key
        ):
            return EXCLUDED
        return self._make_row(values, picked, record, reviewer_key)

    def _make_row(
        self, values: Any, picked: tuple[Any, ...], record: int, reviewer_key: str | None
    ) -> tuple[Any, ...]:
        text, stars, title, product, _, written, own_id, source = picked[:_SPECIAL_COUNT]
        if text.__class__ is not str:
            text = _text_of(text)
            if text.__class__ is Bad:
                return text
        cleaned = clean_text(text)
        if not cleaned:
            return _NO_TEXT
        if len(cleaned) <= MAX_MISSING_CHARACTERS and is_missing_word(cleaned):
            return Bad(RejectReason.NO_TEXT, f"the text {cleaned!r} means that there is none")
        rating: Any = self._rating(stars)
        if rating.__class__ is RatingProblem:  # five times as fast as isinstance of an enumeration
            self._count_unread(rating, stars)
            rating = None
        micros = None if written is None or written == "" else self._when(written)
        title = self._title(title)
        product = self._id(product)
        own_source = None if source is None else self._name(source)
        source = own_source or self._source
        own_id = parse_identifier(own_id) if own_id is not None and self._has_ids else None
        if own_id and not (own_id.isascii() and own_id.isalnum()):
            own_id = clean_text(own_id)
        if own_id and (own_source or self._is_named):
            review_id = review_id_of(source, own_id)
        elif self._by_row and not own_id:
            review_id = self._row_id(self._items(values))
        else:
            # ids of a dump without a source name may also be those of any other dump
            content = (product, reviewer_key, rating, micros, title, cleaned)
            review_id = content_id(*content, own_id=own_id or "")
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

    def _items(self, values: Any) -> Iterable[tuple[str, Any]]:
        # a list has one value more than columns: the None of the picker
        return zip(self._header, values, strict=False) if self._header else values.items()

    def _when(self, written: Any) -> int | None:
        micros = self._date(written)
        if micros is None and present(written) is not None:
            self.dates_unread += 1
        return micros

    def _count_unread(self, problem: RatingProblem, value: Any) -> None:
        self.ratings_unread[problem] += 1
        if problem is not RatingProblem.NOT_RATED and len(self.rating_examples) < _MAX_EXAMPLES:
            example = repr(value)[:_MAX_EXAMPLE_CHARACTERS]
            if example not in self.rating_examples:
                self.rating_examples.append(example)


def _text_of(value: Any) -> str | Bad:
    value = present(value)
    if value is None:
        return _NO_TEXT
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return _TEXT_INVALID
    return str(value)


def _clean_name(value: Any) -> str | None:
    if value.__class__ is str and len(value) > MAX_MISSING_CHARACTERS:
        cleaned = clean_text(value)
        # white space may have made a missing word long
        return None if is_missing_word(cleaned) else cleaned
    name = parse_name(value)
    return clean_text(name) or None if name else None


def _bounded(parse: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    def parse_bounded(value: Any) -> str | None:
        name = parse(value)
        return bounded_id(clean_text(name)) or None if name else None

    return parse_bounded
