"""Damage to dumps and clean shards: what is lost, and whether a dump can still be read.

A dump is the source of everything that is derived from it. A damaged one cannot be rebuilt: what is
stored of it stays, and its ingest fails with the code ``object_corrupt``.
"""

from collections.abc import Iterable
from typing import BinaryIO

from shared.db.ingest.shards import StoredBatch
from shared.errors import CorruptObjectError, IngestError
from shared.storage import layout
from shared.storage.objects import ObjectStore, read_through

_CHUNK_BYTES = 1 << 20


def lost_shards(
    clean: ObjectStore, ingest_id: str, stored: Iterable[StoredBatch]
) -> frozenset[str]:
    """Keys of the clean shards that the ledger lists and the bucket lacks."""
    expected = {batch.key for batch in stored if batch.rows}
    if not expected:
        return frozenset()
    present = {info.key for info in clean.list(layout.clean_prefix(ingest_id))}
    return frozenset(expected - present)


def read_rest(stream: BinaryIO) -> None:
    """Read a dump to its end, because its checksum is compared there.

    Raises:
        CorruptObjectError: the bytes do not match the checksum.
    """
    while stream.read(_CHUNK_BYTES):
        pass


def require_intact(raw: ObjectStore, key: str, etag: str) -> None:
    """Read a dump to its end, several times if its checksum is wrong.

    Raises:
        IngestError: its bytes do not match its checksum.
        NotFoundError: it is gone.
    """
    try:
        read_through(raw, key, etag=etag)
    except CorruptObjectError as error:
        message = (
            "the stored bytes of the object do not match its checksum; what was read before stays:"
            " upload the object again"
        )
        raise IngestError("object_corrupt", message) from error
