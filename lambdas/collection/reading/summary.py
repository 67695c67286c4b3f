"""What a user should know about the rows of a dump: warnings and details of its profile."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from lambdas.collection.reading.options import Profile
from lambdas.collection.reading.picture_urls import PictureCounts
from lambdas.collection.reading.ratings import RatingProblem
from lambdas.collection.reading.rows import MakerMark, RowMaker

_MAX_NAMES = 8
_MAX_NAME_CHARACTERS = 40
_MAX_COLUMNS = 100
_MAX_EXAMPLES = 3


def row_details(maker: RowMaker, profile: Profile) -> dict[str, Any]:
    """Scale, date order, fields without a column and columns without a field."""
    return {
        **maker.conventions.details(),
        "missing_fields": maker.schema.missing_fields(profile.columns),
        "unused_columns": maker.schema.unused_columns(profile.columns)[:_MAX_COLUMNS],
    }


def row_warnings(maker: RowMaker, profile: Profile) -> list[str]:
    """Warnings about columns, the scale, and values that could not be read."""
    warnings = [*_column_warnings(maker, profile), *maker.conventions.warnings()]
    unread = maker.ratings_unread
    if beyond := unread[RatingProblem.UNREADABLE] + unread[RatingProblem.OUT_OF_SCALE]:
        examples = ", ".join(maker.rating_examples)
        scale = maker.conventions.scale.scale.name
        warnings.append(f"{beyond} ratings are not on the scale {scale}, such as {examples}")
    if zeros := unread[RatingProblem.NOT_RATED]:
        warnings.append(f"{zeros} ratings of 0 count as not rated")
    if maker.dates_unread:
        warnings.append(f"{maker.dates_unread} dates could not be read")
    warnings += maker.pictures.warnings()
    return warnings


def _column_warnings(maker: RowMaker, profile: Profile) -> list[str]:
    missing = maker.schema.missing_fields(profile.columns)
    unused = maker.schema.unused_columns(profile.columns)
    parts = []
    if missing:
        parts.append(f"no column for {', '.join(missing)}")
    if unused:
        parts.append(f"columns not used: {_names(unused)}")
    return ["; ".join(parts)] if parts else []


def _names(columns: list[str]) -> str:
    shown = ", ".join(repr(name[:_MAX_NAME_CHARACTERS]) for name in columns[:_MAX_NAMES])
    more = len(columns) - _MAX_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def add_marks(counted: Sequence[MakerMark]) -> MakerMark:
    """What parts of a dump have counted for warnings, in the order of the parts."""
    unread = sum((Counter(each.ratings_unread) for each in counted), Counter())
    pictures = [each.pictures for each in counted]
    return MakerMark(
        counted[0].conventions,
        dict(unread),
        _first(each.rating_examples for each in counted),
        sum(each.dates_unread for each in counted),
        PictureCounts(
            sum(each.unread for each in pictures),
            sum(each.dropped for each in pictures),
            _first(each.examples for each in pictures),
        ),
    )


def _first(examples: Iterable[list[str]]) -> list[str]:
    different = dict.fromkeys(text for each in examples for text in each)
    return list(different)[:_MAX_EXAMPLES]
