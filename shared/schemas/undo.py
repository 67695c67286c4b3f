"""The receipt of an upload that is undone: what was removed, and what is left for a while."""

from datetime import datetime

from pydantic import Field

from shared.schemas.documented import Documented
from shared.schemas.fields import IngestId
from shared.schemas.ingest import IngestStatus


class Removed(Documented):
    """What was removed so far; while the upload is being undone, the numbers still grow."""

    rows: int = 0
    """Stored reviews that belonged to the upload; other uploads that have them as well store them
    again."""
    rejects: int = 0
    """Rejected rows with their raw text."""
    products: int = 0
    """Products that had no other review."""
    clean_shards: int = 0
    """Files of cleaned reviews."""
    embeddings: dict[str, int] = Field(default_factory=dict)
    """Model version → number of its files of embeddings."""
    pictures: int = 0
    """Pictures of its reviews that were fetched."""
    index_versions: list[str] = Field(default_factory=list)
    """Indexes that had one of its reviews."""
    quarantined: int = 0
    """Copies of damaged objects."""
    raw_versions: int = 0
    """Versions of the uploaded object."""
    plans: int = 0
    """Objects that say how a huge dump was divided."""
    mappings: int = 0
    """Versions of the column mapping beside the object, if no other object version needs it."""


class AgesOut(Documented):
    """Copies that exist for a while."""

    what: str
    """Which copies, for a person."""
    until: datetime | None = None
    """When the last of them is gone, in UTC. Null where no setting gives the time."""


class Receipt(Documented):
    """What is removed of an upload, when, what ages out later, and what is not reached."""

    requested_at: datetime
    """When the removal was asked for first, in UTC."""
    undone_at: datetime | None = None
    """When everything was removed, in UTC. Null before."""
    removed: Removed = Field(default_factory=Removed)
    """What was deleted, as numbers."""
    later: list[AgesOut] = Field(default_factory=list)
    """Copies that exist for a while after the removal. Empty until it has ended."""
    not_reached: list[str] = Field(default_factory=list)
    """Where parts of the upload may be that the removal does not reach, for a person. Empty until
    it has ended."""


class UndoState(Documented):
    """How far the removal of an upload is."""

    ingest_id: IngestId
    status: IngestStatus
    """``undoing``, then ``undone``."""
    undo: Receipt
    """What was removed so far, and what is left."""
