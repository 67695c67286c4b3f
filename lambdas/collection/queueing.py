"""Queues objects that lie in the bucket: on request, and in the sweep that mends lost events."""

from collections.abc import Iterator

from lambdas.collection.arrivals import is_dump, notifications_of
from lambdas.collection.dependencies import Dependencies
from shared.errors import InvalidInputError
from shared.schemas.ingest import IngestStatus
from shared.storage import layout
from shared.storage.objects import ObjectInfo

_UNFINISHED = {IngestStatus.RECEIVED, IngestStatus.COLLECTING}
_CHUNK = 100


def prefix_of(bucket: str, source: str | None, prefix: str | None) -> str:
    """Where to look, from what the caller said.

    Args:
        bucket: the raw bucket.
        source: None, ``s3``, or ``s3://<raw bucket>[/prefix]``.
        prefix: below uploads/; with or without ``uploads/`` in front.

    Raises:
        InvalidInputError: another source or bucket, or a NUL; names the field.
    """
    for field, value in (("source", source), ("prefix", prefix)):
        if value and "\0" in value:
            raise InvalidInputError(f"{field} holds a NUL", details={"field": field})
    named = ""
    if source not in (None, "", "s3"):
        scheme, _, rest = str(source).partition("://")
        place, _, named = rest.partition("/")
        if scheme != "s3" or place != bucket:
            told = f"source must be s3 or s3://{bucket}/{layout.UPLOADS}…"
            raise InvalidInputError(told, details={"field": "source"})
    if named and prefix:
        told = "give the prefix in source or in prefix, not in both"
        raise InvalidInputError(told, details={"field": "prefix"})
    wanted = (named or prefix or "").lstrip("/")
    if wanted in ("", layout.UPLOADS.rstrip("/")):
        return layout.UPLOADS
    return wanted if wanted.startswith(layout.UPLOADS) else layout.UPLOADS + wanted


def queue_objects(
    dependencies: Dependencies, prefix: str, *, idle_seconds: float, retry_failed: bool
) -> list[str]:
    """Queue what lies under a prefix and is unknown or unfinished in the ledger.

    Args:
        dependencies: the ports.
        prefix: below uploads/.
        idle_seconds: one that showed signs of life since is left to whoever works on it.
        retry_failed: queue failed ones, too (a mapping may have been added).

    Returns:
        Ids of the ingests that were queued.
    """
    known = dependencies.ledger.known(dependencies.raw.bucket, prefix)

    def wanted(info: ObjectInfo) -> bool:
        status, age = known.get((info.key, info.etag), (None, 0.0))
        if status is None:
            return True
        if status in _UNFINISHED:
            return age >= idle_seconds
        return retry_failed and status is IngestStatus.FAILED

    found = (info for info in dependencies.raw.list(prefix) if is_dump(info.key) and wanted(info))
    queued = []
    for chunk in _chunks(found):
        queued += [
            dependencies.ledger.receive(dependencies.raw.bucket, info.key, info.etag)
            for info in chunk
        ]
        dependencies.collection_queue.send(notifications_of(dependencies.raw.bucket, chunk))
    return queued


def _chunks(found: Iterator[ObjectInfo]) -> Iterator[list[ObjectInfo]]:
    chunk: list[ObjectInfo] = []
    for info in found:
        chunk.append(info)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
