"""Reviewers and products whose rows are removed, and left out of every later dump."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from shared.schemas.undo import AgesOut


class ExclusionKind(StrEnum):
    """What an exclusion is about."""

    REVIEWER = "reviewer"
    PRODUCT = "product"


class ExclusionStatus(StrEnum):
    """State of an exclusion; its rows are left out of dumps in each but ``ended``."""

    REMOVING = "removing"
    """Rows that were stored before are being removed."""
    REMOVED = "removed"
    ENDED = "ended"
    """Dumps that are read from now on are stored with such rows."""


@dataclass(frozen=True, slots=True)
class ExcludedKeys:
    """The keys of all exclusions, as rows have them; ``state`` changes with the list."""

    state: tuple[int, int] = (0, 0)
    reviewers: frozenset[str] = frozenset()
    """Keyed hashes, as in ``reviewer_key``."""
    products: frozenset[str] = frozenset()


class RemovedRows(BaseModel):
    """What was removed so far; while rows are being removed, the numbers still grow."""

    rows: int = 0
    rejects: int = 0
    """Rejected rows of which the raw text was removed."""
    products: int = 0
    """Products without any other review."""
    clean_shards: int = 0
    """Clean shards that were written again without the rows."""
    embeddings: dict[str, int] = Field(default_factory=dict)
    """Shards of embeddings that were written again, by model version."""
    unreadable_shards: int = 0
    """Shards that were damaged: they were deleted, and their other rows are read again."""
    index_versions: list[str] = Field(default_factory=list)
    quarantined: int = 0
    """Copies of damaged objects."""


class HoldingUpload(BaseModel):
    """An uploaded object that still has, or may have, such rows.

    ``rows`` were stored from it; if it is 0, the object may have some that were counted as
    duplicates or rejected.
    """

    ingest_id: str
    key: str
    rows: int = 0


class ExclusionReceipt(BaseModel):
    """What is removed, which uploads still hold it, what ages out later, what is not reached."""

    requested_at: datetime
    rows_removed_at: datetime | None = None
    """From then on no table and no shard has such rows."""
    removed_at: datetime | None = None
    removed: RemovedRows = Field(default_factory=RemovedRows)
    uploads: list[HoldingUpload] = Field(default_factory=list)
    what_to_do: str | None = None
    """How the uploads go as well; null if there are none."""
    later: list[AgesOut] = Field(default_factory=list)
    not_reached: list[str] = Field(default_factory=list)


class Exclusion(BaseModel):
    """A reviewer or product that is excluded; of a reviewer, only a keyed hash is stored."""

    exclusion_id: str
    kind: ExclusionKind
    product_id: str | None = None
    """Null for a reviewer, whose id is not stored."""
    status: ExclusionStatus
    receipt: ExclusionReceipt


class ExclusionList(BaseModel):
    """Exclusions, newest first; ``next_cursor`` is null on the last page."""

    exclusions: list[Exclusion]
    next_cursor: str | None = None


def exclusion_id_of(kind: ExclusionKind, subject: str) -> str:
    """Deterministic id of an exclusion: ``exc_`` and 24 hex digits.

    That of a reviewer cannot be computed without the deployment's key.
    """
    from hashlib import sha256

    digest = sha256(f"{kind}\0{subject}".encode()).hexdigest()
    return f"exc_{digest[:24]}"
