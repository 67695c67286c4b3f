"""Reviewers and products whose rows are removed, and left out of every later dump."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.schemas.documented import Documented
from shared.schemas.fields import IngestId, NextCursor
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


class RemovedRows(Documented):
    """What was removed so far; while rows are being removed, the numbers still grow."""

    rows: int = 0
    """Stored reviews of the reviewer or product."""
    rejects: int = 0
    """Rejected rows of which the raw text was removed."""
    products: int = 0
    """Products without any other review."""
    clean_shards: int = 0
    """Clean shards that were written again without the rows."""
    embeddings: dict[str, int] = Field(default_factory=dict)
    """Model version → number of its shards of embeddings that were written again."""
    unreadable_shards: int = 0
    """Shards that were damaged: they were deleted, and their other rows are read again."""
    index_versions: list[str] = Field(default_factory=list)
    """Indexes that had one of the rows."""
    quarantined: int = 0
    """Copies of damaged objects."""


class HoldingUpload(Documented):
    """An uploaded object that still has, or may have, such rows."""

    ingest_id: IngestId
    key: str
    """Key of the object in the bucket of uploads."""
    rows: int = 0
    """How many of the removed rows were stored from it. If it is 0, the object may have some that
    were counted as duplicates or rejected."""


class ExclusionReceipt(Documented):
    """What is removed, which uploads still hold it, what ages out later, what is not reached."""

    requested_at: datetime
    """When the exclusion was asked for first, in UTC."""
    rows_removed_at: datetime | None = None
    """When no table and no shard had such rows any more, in UTC. Null before."""
    removed_at: datetime | None = None
    """When no index had them either, in UTC: the end of the removal. Null before."""
    removed: RemovedRows = Field(default_factory=RemovedRows)
    """What was deleted, as numbers."""
    uploads: list[HoldingUpload] = Field(default_factory=list)
    """Uploaded files that still have, or may have, such rows, the first 500 of them; they are not
    changed."""
    more_uploads: int = 0
    """How many others of these files there are."""
    what_to_do: str | None = None
    """How the uploads go as well; null if there are none."""
    later: list[AgesOut] = Field(default_factory=list)
    """Copies that exist for a while after the removal. Empty until it has ended."""
    not_reached: list[str] = Field(default_factory=list)
    """Where such rows may be that the removal does not reach, for a person. Empty until it has
    ended."""


MAX_SHOWN_UPLOADS = 500


class Exclusion(Documented):
    """A reviewer or product that is excluded; of a reviewer, only a keyed hash is stored."""

    exclusion_id: str
    """Id of the exclusion, ``exc_`` and 24 hexadecimal digits; the same reviewer or product always
    has the same one."""
    kind: ExclusionKind
    """What is excluded: a ``reviewer`` or a ``product``."""
    product_id: str | None = None
    """Id of the product as dumps write it. Null for a reviewer, whose id is not stored."""
    status: ExclusionStatus
    """How far it is: ``removing``, then ``removed``; ``ended`` in the answer that ends it."""
    receipt: ExclusionReceipt
    """What was removed so far, and what is left."""

    def shown(self) -> "Exclusion":
        """The same with so many uploads that it fits into an answer."""
        uploads = self.receipt.uploads
        if len(uploads) <= MAX_SHOWN_UPLOADS:
            return self
        more = len(uploads) - MAX_SHOWN_UPLOADS
        cut = {"uploads": uploads[:MAX_SHOWN_UPLOADS], "more_uploads": more}
        return self.model_copy(update={"receipt": self.receipt.model_copy(update=cut)})


class ExclusionList(Documented):
    """The excluded reviewers and products."""

    exclusions: list[Exclusion]
    """The exclusions, newest first."""
    next_cursor: NextCursor = None


def exclusion_id_of(kind: ExclusionKind, subject: str) -> str:
    """Deterministic id of an exclusion: ``exc_`` and 24 hex digits.

    That of a reviewer cannot be computed without the deployment's key.
    """
    from hashlib import sha256

    digest = sha256(f"{kind}\0{subject}".encode()).hexdigest()
    return f"exc_{digest[:24]}"
