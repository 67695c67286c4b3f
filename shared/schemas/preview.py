"""What a dump would become: the answer of POST /uploads/preview and of ``ingest --dry-run``."""

from typing import Any

from pydantic import BaseModel

from shared.schemas.ingest import Reject

PREVIEW_BYTES = 700_000
"""Number of bytes from the beginning of a file that POST /uploads/preview accepts."""
LANGUAGE_ROWS = 200
"""Number of rows whose language a preview detects."""


class Preview(BaseModel):
    """How a dump is read; nothing of it is stored.

    The counts cover what was read: the whole dump if ``is_complete``, otherwise its beginning.
    """

    file: str
    format: str | None = None
    compression: str | None = None
    encoding: str | None = None
    dump_schema: str | None = None
    source: str | None = None
    """The source of its rows, where all previewed rows have the same one."""
    fields: list[str]
    """Every field that a mapping may name."""
    columns: list[str]
    mapping: dict[str, list[str]] = {}
    """Field to the columns that it comes from, in order of preference."""
    unused_columns: list[str] = []
    missing_fields: list[str] = []
    rows: list[dict[str, Any]] = []
    """The first rows as they would be stored, without ids and hashed reviewers."""
    rows_read: int = 0
    stored: int = 0
    """Rows that would be stored if the store were empty."""
    duplicates: int = 0
    """Repetitions within the dump; rows that are already stored are not known here."""
    rejected: int = 0
    rejects_by_reason: dict[str, int] = {}
    rejects: list[Reject] = []
    details: dict[str, Any] = {}
    """What the dump turned out to be, for example its rating scale."""
    languages: dict[str, int] = {}
    """The first ``LANGUAGE_ROWS`` rows by language (ISO 639-1, or ``und`` if it is uncertain)."""
    warnings: list[str] = []
    is_complete: bool
    error_code: str | None = None
    """``schema_unknown`` if the columns are known, but not which of them is the text or the rating;
    ``mapping`` has the fields that are clear."""
    error_detail: str | None = None

    @property
    def rating_scale(self) -> str:
        """The scale of the ratings and what it was decided on; empty without ratings."""
        decision = self.details.get("rating_scale")
        if not isinstance(decision, dict):
            return ""
        how = "stated" if decision.get("decided_on") == "mapping" else "decided from"
        doubt = ", uncertain" if decision.get("doubt") else ""
        return f"{decision.get('scale')} ({how} {decision.get('evidence')}{doubt})"
