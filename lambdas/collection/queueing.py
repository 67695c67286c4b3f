"""Queues objects in the bucket: on request, and in the sweep that recovers lost events."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lambdas.collection.arrivals import build_notifications, is_dump
from lambdas.collection.dependencies import Dependencies
from shared.db.ingest import ownership
from shared.db.ingest.undo import undo_state
from shared.errors import ConflictError, InvalidInputError, NotFoundError
from shared.schemas.ingest import IngestStatus, ingest_id_of
from shared.storage import layout
from shared.storage.objects import ObjectInfo

_UNFINISHED = {IngestStatus.RECEIVED, IngestStatus.COLLECTING}
_CHUNK_OBJECTS = 100


class Queued(NamedTuple):
    """Ids of the queued ingests, and the key to continue after (None: the listing is complete)."""

    ingest_ids: list[str]
    next_after: str | None


def upload_prefix(bucket: str, source: str | None, prefix: str | None) -> str:
    """Return the prefix to search, from the caller's source and prefix.

    Args:
        bucket: the raw bucket.
        source: None, ``s3``, or ``s3://<raw bucket>[/prefix]``.
        prefix: below uploads/; with or without a leading ``uploads/``.

    Raises:
        InvalidInputError: another source or bucket; names the field.
    """
    source_prefix = ""
    if source not in (None, "", "s3"):
        scheme, _, path = str(source).partition("://")
        source_bucket, _, source_prefix = path.partition("/")
        if scheme != "s3" or source_bucket != bucket:
            message = f"source must be s3 or s3://{bucket}/{layout.UPLOADS}…"
            raise InvalidInputError(message, details={"field": "source"})
    if source_prefix and prefix:
        message = "set the prefix in source or in prefix, not in both"
        raise InvalidInputError(message, details={"field": "prefix"})
    relative = (source_prefix or prefix or "").lstrip("/")
    if relative in ("", layout.UPLOADS.rstrip("/")):
        return layout.UPLOADS
    return relative if relative.startswith(layout.UPLOADS) else layout.UPLOADS + relative


def queue_objects(
    dependencies: Dependencies,
    prefix: str,
    *,
    idle_seconds: float,
    retry_failed: bool,
    after: str = "",
    budget_seconds: float = float("inf"),
    max_objects: float = float("inf"),
) -> Queued:
    """Queue the dumps under a prefix that are unknown, unfinished or marked in the ledger.

    Args:
        dependencies: adapters of collection.
        prefix: below uploads/.
        idle_seconds: an unfinished ingest with a more recent heartbeat is left to its worker.
        retry_failed: also queue failed ingests (a mapping may have been added).
        after: only objects whose keys follow this one.
        budget_seconds: stop after this time; the result has the key to continue after.
        max_objects: stop after so many objects, likewise.
    """
    deadline = time.monotonic() + budget_seconds
    ledger_states = dependencies.ledger.states(dependencies.raw.bucket, prefix)

    def is_due(info: ObjectInfo) -> bool:
        status, age, marked = ledger_states.get((info.key, info.etag), (None, 0.0, False))
        if status is None:
            return True
        if status in _UNFINISHED:
            return age >= idle_seconds
        if status is IngestStatus.FAILED:
            return retry_failed
        # an object that is here although its upload was undone was uploaded again
        return status is IngestStatus.UNDONE or marked

    queued: list[str] = []
    for chunk in _chunks(dependencies.raw.list(prefix, after=after)):
        queued += _queue(dependencies, [i for i in chunk if is_dump(i.key) and is_due(i)])
        if time.monotonic() >= deadline or len(queued) >= max_objects:
            return Queued(queued, chunk[-1].key)
    return Queued(queued, None)


def _queue(dependencies: Dependencies, objects: list[ObjectInfo]) -> list[str]:
    if not objects:
        return []
    bucket = dependencies.raw.bucket
    ids = dependencies.ledger.receive_all(bucket, [(info.key, info.etag) for info in objects])
    _send(dependencies, objects)
    return ids


def queue_object(
    dependencies: Dependencies, key: str, mapping: Mapping[str, str] | None
) -> list[str]:
    """Queue one object, even if it is collected already with another mapping.

    Args:
        dependencies: adapters of collection.
        key: of the object.
        mapping: stored beside the object; None leaves the mapping there as it is.

    Returns:
        The id of its ingest, or nothing if it was collected with this mapping. Without a mapping,
        the worker compares: it reads the object only if the mapping beside it has changed.

    Raises:
        InvalidInputError: the key cannot be the key of a dump.
        NotFoundError: no such object.
        ConflictError: its upload is being undone.
    """
    if not is_dump(key):
        message = f"key must name a dump below {layout.UPLOADS}"
        raise InvalidInputError(message, details={"field": "key"})
    # listed, because the function may list the bucket but not read its objects
    info = next((each for each in dependencies.raw.list(key) if each.key == key), None)
    if info is None:
        raise NotFoundError("object not found")
    bucket = dependencies.raw.bucket
    state = undo_state(dependencies.database, ingest_id_of(bucket, key, info.etag))
    if state is not None and state.status is IngestStatus.UNDOING:
        raise ConflictError("the upload of this object is being undone")
    if mapping is not None:
        body = json.dumps(dict(mapping), ensure_ascii=False).encode()
        dependencies.raw.put(f"{key}.{layout.MAPPING_NAME}", body)
    ingest_id = dependencies.ledger.receive(bucket, key, info.etag)
    if mapping is not None and not dependencies.ledger.request_reading(ingest_id, mapping):
        return []
    _send(dependencies, [info])
    return [ingest_id]


def queue_marked(dependencies: Dependencies, ingest_id: str, *, failed: bool) -> None:
    """Queue the ingests that counted duplicates of rows that an ingest has deleted.

    Args:
        dependencies: adapters of collection.
        ingest_id: the ingest that deleted rows.
        failed: also those that failed; see ownership.marked_objects.
    """
    objects = ownership.marked_objects(dependencies.database, ingest_id, failed=failed)
    _send(dependencies, [ObjectInfo(key, etag, 0) for key, etag in objects])


def queue_again(dependencies: Dependencies, key: str, etag: str) -> None:
    """Queue an object whose run ended before it had read everything."""
    _send(dependencies, [ObjectInfo(key, etag, 0)])


def _send(dependencies: Dependencies, infos: list[ObjectInfo]) -> None:
    bucket = dependencies.raw.bucket
    dependencies.collection_queue.send(build_notifications(bucket, infos))


def _chunks(objects: Iterator[ObjectInfo]) -> Iterator[list[ObjectInfo]]:
    chunk: list[ObjectInfo] = []
    for info in objects:
        chunk.append(info)
        if len(chunk) == _CHUNK_OBJECTS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
