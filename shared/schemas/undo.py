"""The receipt of an upload that is undone: what was removed, and what is left for a while."""

from datetime import datetime

from pydantic import BaseModel, Field

from shared.schemas.ingest import IngestStatus


class Removed(BaseModel):
    """What was removed so far; while the upload is being undone, the numbers still grow.

    ``rows`` are the stored reviews that belonged to the upload; other uploads that have them as
    well store them again. ``products`` had no other review.
    """

    rows: int = 0
    rejects: int = 0
    products: int = 0
    clean_shards: int = 0
    embeddings: dict[str, int] = Field(default_factory=dict)
    """Shards of embeddings, by model version."""
    pictures: int = 0
    """Pictures of its reviews that were fetched."""
    index_versions: list[str] = Field(default_factory=list)
    quarantined: int = 0
    """Copies of damaged objects."""
    raw_versions: int = 0
    """Versions of the uploaded object."""
    plans: int = 0
    """Objects that say how a huge dump was divided."""
    mappings: int = 0
    """Versions of the column mapping beside the object, if no other object version needs it."""


class AgesOut(BaseModel):
    """Copies that exist for a while; ``until`` is null where no setting gives the time."""

    what: str
    until: datetime | None = None


class Receipt(BaseModel):
    """What is removed of an upload, when, what ages out later, and what is not reached."""

    requested_at: datetime
    undone_at: datetime | None = None
    removed: Removed = Field(default_factory=Removed)
    later: list[AgesOut] = Field(default_factory=list)
    not_reached: list[str] = Field(default_factory=list)


class UndoState(BaseModel):
    """How far the removal of an upload is: ``undoing`` or ``undone``."""

    ingest_id: str
    status: IngestStatus
    undo: Receipt
