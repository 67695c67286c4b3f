"""From an upload to stored reviews: signed forms, ingests, rejects, processing."""

from base64 import b64encode
from collections.abc import Mapping

from reviewlens.calls import Call, PagedCall, get, remove, start
from shared.schemas.collection import (
    DEFAULT_INGESTS,
    CollectAccepted,
    IngestDetails,
    IngestList,
    RejectPage,
    UploadTarget,
)
from shared.schemas.exclusions import Exclusion, ExclusionList
from shared.schemas.ingest import Reject
from shared.schemas.preview import Preview
from shared.schemas.processing import ProcessAccepted
from shared.schemas.undo import UndoState


def sign_upload(
    filename: str, size: int, *, mapping: Mapping[str, str] | None = None
) -> Call[UploadTarget]:
    """A signed form for one dump; ``upload`` requests one and sends the file.

    Args:
        filename: a plain name without folders.
        size: number of bytes of the file.
        mapping: field to column, where the dump has column names of its own.
    """
    columns = {"mapping": dict(mapping)} if mapping else {}
    return start(UploadTarget, "/uploads", {"filename": filename, "bytes": size, **columns})


def preview_upload(
    filename: str, content: bytes, *, size: int, mapping: Mapping[str, str] | None = None
) -> Call[Preview]:
    """How a dump would be read: format, mapping, first rows and rejects; nothing is stored.

    Args:
        filename: a plain name without folders.
        content: the first bytes of the file, up to ``PREVIEW_BYTES``.
        size: number of bytes of the whole file.
        mapping: field to column, where the dump has column names of its own.
    """
    body = {
        "filename": filename,
        "bytes": size,
        "content": b64encode(content).decode(),
        **({"mapping": dict(mapping)} if mapping else {}),
    }
    return start(Preview, "/uploads/preview", body, repeatable=True)


def collect(
    *,
    source: str | None = None,
    prefix: str | None = None,
    after: str | None = None,
    key: str | None = None,
    mapping: Mapping[str, str] | None = None,
) -> Call[CollectAccepted]:
    """Queue the dumps in the raw bucket that are not collected yet, or one object.

    Args:
        source: the bucket, or an address such as ``s3://bucket/uploads/2024/``.
        prefix: folder below ``uploads/``; all of it where neither is given.
        after: ``next_after`` of the previous response, where not all objects were listed in time.
        key: one object, without source and prefix.
        mapping: field to column of this object; if it was collected with another mapping, it is
            read again, and what only the earlier reading stored is removed.
    """
    columns = None if mapping is None else dict(mapping)
    fields = {
        "source": source,
        "prefix": prefix,
        "after": after,
        "key": key,
        "mapping": columns,
    }
    body = {name: value for name, value in fields.items() if value is not None}
    return start(CollectAccepted, "/collect", body)


def ingests(
    *, limit: int = DEFAULT_INGESTS, key: str | None = None, cursor: str | None = None
) -> Call[IngestList]:
    """The newest ingests with their counts.

    Args:
        limit: how many, 1 to 200.
        key: ingests of this object only.
        cursor: ``next_cursor`` of the answer before, for the following ones.
    """
    call = get(IngestList, "/collect", limit=limit, key=key, cursor=cursor)
    return call.with_list("ingests", limit)


def ingest(ingest_id: str) -> Call[IngestDetails]:
    """Live counts of one ingest, and its first rejects."""
    return get(IngestDetails, "/collect/{ingest_id}", {"ingest_id": ingest_id})


def rejects(
    ingest_id: str, *, after: int | None = None, limit: int | None = None
) -> PagedCall[RejectPage, Reject]:
    """Refused rows of an ingest, in the order of their records.

    Args:
        ingest_id: the ingest.
        after: begin after this record.
        limit: rows of a page, 1 to 1000.
    """
    segments = {"ingest_id": ingest_id}
    call = get(RejectPage, "/collect/{ingest_id}/rejects", segments, after=after, limit=limit)
    return PagedCall(
        call,
        items=lambda page: page.rejects,
        following=lambda page: page.next_after,
        parameter="after",
    )


def forget(ingest_id: str) -> Call[UndoState]:
    """Undo an upload: everything that came from it is removed in the background.

    ``ingest`` shows the receipt; repeating the call changes nothing and returns the state.
    """
    return remove(UndoState, "/collect/{ingest_id}", {"ingest_id": ingest_id})


def forget_reviewer(reviewer_id: str) -> Call[Exclusion]:
    """Exclude a reviewer: the reviews are removed in the background, and left out of later dumps.

    Repeating the call changes nothing and returns the state; ``exclusion`` shows the receipt.

    Args:
        reviewer_id: as dumps have it; only a keyed hash of it is stored.
    """
    return remove(Exclusion, "/reviewers/{reviewer_id}", {"reviewer_id": reviewer_id})


def forget_product(product_id: str) -> Call[Exclusion]:
    """Exclude a product: it is removed in the background with its reviews, as for a reviewer."""
    return remove(Exclusion, "/products/{product_id}", {"product_id": product_id})


def exclusions(
    *, limit: int | None = None, cursor: str | None = None
) -> PagedCall[ExclusionList, Exclusion]:
    """Excluded reviewers and products, newest first.

    Args:
        limit: entries of a page, 1 to 200.
        cursor: begin after the page that returned it.
    """
    return PagedCall(
        get(ExclusionList, "/exclusions", limit=limit, cursor=cursor),
        items=lambda page: page.exclusions,
        following=lambda page: page.next_cursor,
    )


def exclusion(exclusion_id: str) -> Call[Exclusion]:
    """One exclusion, with its receipt."""
    return get(Exclusion, "/exclusions/{exclusion_id}", {"exclusion_id": exclusion_id})


def end_exclusion(exclusion_id: str) -> Call[Exclusion]:
    """End an exclusion: dumps that are read from now on are stored with its rows."""
    return remove(Exclusion, "/exclusions/{exclusion_id}", {"exclusion_id": exclusion_id})


def process(ingest_id: str) -> Call[ProcessAccepted]:
    """Queue the shards of a collected ingest that no model has processed, failed ones included."""
    return start(ProcessAccepted, "/process", {"ingest_id": ingest_id})
