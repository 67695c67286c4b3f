"""What a dump would become: the answer of POST /uploads/preview and of ``ingest --dry-run``."""

from typing import Any

from pydantic import Field

from shared.schemas.documented import Documented
from shared.schemas.ingest import Reject

PREVIEW_BYTES = 700_000
"""Number of bytes from the beginning of a file that POST /uploads/preview accepts."""
LANGUAGE_ROWS = 200
"""Number of rows whose language a preview detects."""


class Preview(Documented):
    """How a dump is read; nothing of it is stored.

    The counts cover what was read: the whole dump if ``is_complete``, otherwise its beginning.
    """

    file: str
    """Name of the file, as the request gives it."""
    format: str | None = None
    """Format of the dump, such as ``csv``, ``jsonl`` or ``parquet``. Null if its columns are not
    clear."""
    compression: str | None = None
    """How the file is packed, such as ``none`` or ``gzip``. Null if its columns are not clear."""
    encoding: str | None = None
    """Encoding of its text, such as ``utf-8``. Null if its columns are not clear."""
    dump_schema: str | None = None
    """Family of dumps by whose columns it is read, such as ``amazon2023``; ``mapped`` if the
    columns were matched by their names or a mapping. Null if its columns are not clear."""
    source: str | None = None
    """The source of its rows, where all previewed rows have the same one. Null if they do not."""
    fields: list[str]
    """Every field that a mapping may name."""
    columns: list[str]
    """The columns of the dump, in its order: as many as fit into an answer, names of more than 256
    characters cut."""
    mapping: dict[str, list[str]] = Field(default_factory=dict)
    """Field → the columns that it comes from, in order of preference."""
    unused_columns: list[str] = Field(default_factory=list)
    """The ``columns`` that no field comes from."""
    missing_fields: list[str] = Field(default_factory=list)
    """The ``fields`` that no column is known for."""
    rows: list[dict[str, Any]] = Field(default_factory=list)
    """The first ten rows as they would be stored, without ids and hashed reviewers; a value of more
    than 4,096 characters is cut."""
    rows_read: int = 0
    """Rows that were read for the preview, about the first 2,000."""
    stored: int = 0
    """Rows that would be stored if the store were empty."""
    duplicates: int = 0
    """Repetitions within the dump; rows that are already stored are not known here."""
    rejected: int = 0
    """Rows that could not be used."""
    rejects_by_reason: dict[str, int] = Field(default_factory=dict)
    """Reason → number of rejected rows; reasons without a row are left out."""
    rejects: list[Reject] = Field(default_factory=list)
    """The first ten rejected rows, in the order of their records."""
    details: dict[str, Any] = Field(default_factory=dict)
    """What the dump turned out to be, for example its rating scale and what it was decided on."""
    languages: dict[str, int] = Field(default_factory=dict)
    """Language (ISO 639-1, or ``und`` if it is uncertain) → number of rows, of the first 200."""
    warnings: list[str] = Field(default_factory=list)
    """What a person should know of the dump, such as columns that are not used. Empty if there is
    nothing to say."""
    is_complete: bool
    """Whether the whole dump was read; false if only its beginning was."""
    error_code: str | None = None
    """``schema_unknown`` if the columns are known, but not which of them is the text or the rating;
    ``mapping`` has the fields that are clear. Null otherwise."""
    error_detail: str | None = None
    """What is not clear and what to do, for a person. Null without ``error_code``."""

    @property
    def rating_scale(self) -> str:
        """The scale of the ratings and what it was decided on; empty without ratings."""
        decision = self.details.get("rating_scale")
        if not isinstance(decision, dict):
            return ""
        how = "stated" if decision.get("decided_on") == "mapping" else "decided from"
        doubt = ", uncertain" if decision.get("doubt") else ""
        return f"{decision.get('scale')} ({how} {decision.get('evidence')}{doubt})"
