"""Restores objects whose record is lost: the checksum of their bytes identifies them."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from local.aws.disk import DiskBuckets
from local.aws.reader import BucketReader
from local.aws.records import default_attributes
from local.names import ARTEFACT_BUCKET
from local.quarantine import Quarantine
from local.state import StateFolder
from shared.db.connection import Connection
from shared.schemas.manifest import ArtefactKind
from shared.storage import artefacts, verify
from shared.storage.layout import version_prefix

_CHUNK_BYTES = 1 << 20
_KINDS: tuple[ArtefactKind, ...] = ("model", "index")

Known = Mapping[str, tuple[str, str]]
"""Bucket and key of an object by MD5 or SHA-256 (hex) of its bytes."""


def known_objects(state: StateFolder, connection: Connection) -> Known:
    """Missing objects whose checksum is known: dumps from the ledger, files from manifests."""
    known: dict[str, tuple[str, str]] = {}
    readers: dict[str, BucketReader] = {}
    for etag, bucket, key in connection.execute("SELECT etag, bucket, key FROM ingests").fetchall():
        if bucket not in readers:
            readers[bucket] = BucketReader(state.s3, bucket)
        if key not in readers[bucket].records:
            known[etag] = bucket, key
    reader = BucketReader(state.s3, ARTEFACT_BUCKET)
    for kind in _KINDS:
        for version in artefacts.versions(reader.store, kind):
            manifest, _ = verify.check_manifest(reader.store, kind, version)
            for name, entry in manifest.files.items() if manifest else ():
                key = version_prefix(kind, version) + name
                if key not in reader.records:
                    known[entry.sha256] = ARTEFACT_BUCKET, key
    return known


def bring_back(quarantine: Quarantine, buckets: DiskBuckets, known: Known) -> Iterator[str]:
    """Store bytes from the quarantine again under their key; yields a sentence for each."""
    remaining = dict(known)
    for entry in list(quarantine.entries()):
        if Path(entry.path).parent.name != "data":
            continue
        path = quarantine.folder / entry.name
        place = next((remaining.pop(d) for d in _digests(path) if d in remaining), None)
        if place is not None:
            with path.open("rb") as file:
                blob, etag = buckets.stage_all(iter(lambda: file.read(_CHUNK_BYTES), b""))
            buckets.commit(*place, blob, default_attributes(etag))
            quarantine.release(entry)
            yield f"Object {place[1]} in bucket {place[0]} was brought back from quarantine."


def _digests(path: Path) -> tuple[str, str]:
    md5, sha = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            md5.update(chunk)
            sha.update(chunk)
    return md5.hexdigest(), sha.hexdigest()
