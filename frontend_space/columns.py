"""Which column of a dump is which field: detected, chosen from lists, or written out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from frontend_space.problems import PageError
from reviewlens.models import MAPPING_FIELDS, MAPPING_OPTIONS, Preview

_FIRST = ("text", "rating", "title", "product_id", "product_title", "date")
FIELDS = (*_FIRST, *(name for name in MAPPING_FIELDS if name not in _FIRST))
"""Names of fields, those that most dumps have first."""
MAIN_FIELDS = len(_FIRST)
_MAX_COLUMNS = 500
_MAX_NAME_CHARACTERS = 256
"""The longest name of a column that a mapping may have."""


def mapping_of(text: str | None) -> dict[str, str] | None:
    """Read ``rating_scale=10, text=Opinion``.

    Raises:
        PageError: a part does not have the form field=column.
    """
    mapping = {}
    for part in (text or "").split(","):
        if part.strip():
            field, equals, column = (piece.strip() for piece in part.partition("="))
            if not (field and equals and column):
                raise PageError(f"“{part.strip()}” must have the form field=column.")
            mapping[field] = column
    return mapping or None


@dataclass(frozen=True, slots=True)
class Detected:
    """What a preview without choices found: the columns, and the first column of each field."""

    columns: list[str]
    fields: dict[str, str]

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Columns and fields of a preview; columns whose name is too long cannot be chosen."""
        columns = [name for name in preview.columns if 0 < len(name) <= _MAX_NAME_CHARACTERS]
        fields = {
            field: names[0]
            for field, names in preview.mapping.items()
            if field in FIELDS and names and names[0] in columns
        }
        offered = [*columns[:_MAX_COLUMNS], *fields.values()]
        return cls(list(dict.fromkeys(offered)), fields)

    def mapping(
        self, chosen: Mapping[str, str], written: Mapping[str, str] | None
    ) -> dict[str, str] | None:
        """The mapping to send; None leaves everything to the detection.

        A mapping replaces what is known of the kind of dump. So the columns are only sent if they
        are not the detected ones, and then all of them.

        Args:
            chosen: the column of each field, from the lists.
            written: the mapping that the columns were detected with.

        Raises:
            PageError: there is no column for the text.
        """
        columns = {field: column for field, column in chosen.items() if column}
        if "text" not in columns:
            raise PageError("Choose the column of the text.")
        if columns == self.fields:
            return dict(written) if written else None
        options = {k: v for k, v in (written or {}).items() if k in MAPPING_OPTIONS}
        return columns | options
