"""Detects damage to stored objects: missing, unreadable, of another size, format or content.

Every function reads the objects that it names, changes nothing, and returns what is damaged. An
object in a format that this release does not read (FormatError) is not damaged. All functions raise
UnavailableError if the store does not answer. For the write side: this module loads pyarrow.
"""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal, TypeVar

from pydantic import BaseModel

from shared.errors import ArtefactError, NotFoundError
from shared.schemas.damage import Damage
from shared.schemas.formats import FormatError
from shared.schemas.manifest import ArtefactKind, Manifest
from shared.storage import artefacts, registry
from shared.storage.embeddings import read_embeddings
from shared.storage.layout import EVALUATION_FILES, evaluation_file, pointer_key, version_prefix
from shared.storage.objects import ObjectStore, read_repeatedly, read_through
from shared.storage.shards import read_clean, read_served

_CHUNK_BYTES = 1 << 20
_T = TypeVar("_T")


def check_object(store: ObjectStore, key: str) -> Damage | None:
    """Read an object to its end: its bytes must match its checksum. For dumps."""
    return _attempt(store, key, partial(read_through, store, key))[1]


def check_clean_shard(store: ObjectStore, key: str, rows: int | None = None) -> Damage | None:
    """Read a clean shard.

    Args:
        store: the clean bucket.
        key: the shard.
        rows: its number of rows in the ledger; None: unknown.
    """
    table, damage = _attempt(store, key, lambda: read_clean(store, key))
    if table is not None and rows not in (None, table.num_rows):
        return corrupt(store, key, f"{key} has {table.num_rows} rows, the ledger says {rows}")
    return damage


def check_pair(
    store: ObjectStore, stem: str, *, dimension: int, rows: int | None = None
) -> list[Damage]:
    """Read an embedding shard and the analysis shard beside it.

    Args:
        store: the artefact bucket.
        stem: their common key, without ending.
        dimension: of the model's embeddings.
        rows: number of rows of the clean shard; None: unknown.
    """
    keys = [f"{stem}.npy", f"{stem}.parquet"]
    vectors, first = _attempt(store, keys[0], lambda: read_embeddings(store, keys[0], dimension))
    table, second = _attempt(store, keys[1], lambda: read_served(store, keys[1]))
    damages = [damage for damage in (first, second) if damage is not None]
    counts = (None if vectors is None else len(vectors), None if table is None else table.num_rows)
    known = {count for count in (*counts, rows) if count is not None}
    if len(known) > 1:
        reason = f"{stem} has {counts[0]} embeddings and {counts[1]} analyses of {rows} reviews"
        damages += [
            corrupt(store, key, reason)
            for key, count in zip(keys, counts, strict=True)
            if count is not None and (rows is None or count != rows)
        ]
    return damages


def check_version(store: ObjectStore, kind: ArtefactKind, version: str) -> list[Damage]:
    """Compare each file of a version with its manifest: size and SHA-256."""
    manifest, damage = check_manifest(store, kind, version)
    if damage is not None:
        return [damage]
    return list(_damaged_files(store, manifest)) if manifest is not None else []


def check_manifest(
    store: ObjectStore, kind: ArtefactKind, version: str
) -> tuple[Manifest | None, Damage | None]:
    """The manifest of a version, or its damage; neither if this release does not read it."""
    key = version_prefix(kind, version) + artefacts.MANIFEST
    return _attempt(store, key, lambda: artefacts.read_manifest(store, kind, version))


def _damaged_files(store: ObjectStore, manifest: Manifest) -> Iterator[Damage]:
    prefix = version_prefix(manifest.kind, manifest.version)
    sizes = {info.key: info.size for info in store.list(prefix)}
    for name, entry in manifest.files.items():
        key = prefix + name
        if key not in sizes:
            yield missing(store, key)
        elif sizes[key] != entry.bytes:
            yield corrupt(store, key, f"{key} has {sizes[key]} bytes, not {entry.bytes}")
        else:
            digest, damage = _attempt(store, key, partial(_sha256, store, key))
            if damage is None and digest != entry.sha256:
                damage = corrupt(store, key, f"{key} is corrupt (SHA-256 differs)")
            if damage is not None:
                yield damage


def check_pointer(store: ObjectStore, kind: ArtefactKind) -> Damage | None:
    """Read a pointer and the manifest of the version that it names."""
    key = pointer_key(kind)
    current, damage = _attempt(store, key, lambda: artefacts.current(store, kind))
    if damage is not None:
        return damage
    if current is None:
        return missing(store, key)
    _, broken = check_manifest(store, kind, current.version)
    if broken is None:
        return None
    return corrupt(store, key, f"{key} names {kind} {current.version}: {broken.reason}")


def check_json(store: ObjectStore, key: str, schema: type[BaseModel]) -> Damage | None:
    """Read a JSON object of one of our schemas."""

    def read() -> None:
        body, _ = store.get(key)
        try:
            schema.model_validate_json(body)
        except ValueError as error:
            raise ArtefactError(f"{key} cannot be read") from error

    return _attempt(store, key, read)[1]


def check_evaluation(store: ObjectStore, version: str, digest: str) -> list[Damage]:
    """Read the files of an evaluation of a model; together they must match the digest."""
    keys = [evaluation_file(version, digest, name) for name in EVALUATION_FILES]
    results = [_attempt(store, key, partial(store.get, key)) for key in keys]
    damages = [damage for _, damage in results if damage is not None]
    bodies = [result[0] for result, _ in results if result is not None]
    if not damages and registry.digest_of(bodies) != digest:
        reason = f"the evaluation {digest} of {version} is corrupt (SHA-256 differs)"
        damages = [corrupt(store, key, reason) for key in keys]
    return damages


def missing(store: ObjectStore, key: str) -> Damage:
    """The damage of an object that must exist and does not."""
    return _damage(store, key, "missing", f"{key} is missing")


def corrupt(store: ObjectStore, key: str, reason: str) -> Damage:
    """The damage of an object that exists and cannot be used."""
    return _damage(store, key, "corrupt", reason)


def _damage(
    store: ObjectStore, key: str, problem: Literal["missing", "corrupt"], reason: str
) -> Damage:
    return Damage(bucket=store.bucket, key=key, problem=problem, reason=reason)


def _attempt(
    store: ObjectStore, key: str, read: Callable[[], _T]
) -> tuple[_T | None, Damage | None]:
    """The result of ``read``, or the damage that it met; neither for an unknown format."""
    try:
        return read(), None
    except FormatError:
        return None, None
    except NotFoundError:
        return None, _unreadable(store, key)
    except ArtefactError as error:
        return None, corrupt(store, key, error.message)


def _unreadable(store: ObjectStore, key: str) -> Damage:
    """The damage of an object whose bytes do not exist: a store may still know the object."""
    try:
        store.head(key)
    except NotFoundError:
        return missing(store, key)
    return corrupt(store, key, f"the bytes of {key} are missing or damaged")


def _sha256(store: ObjectStore, key: str) -> str:
    """Hex SHA-256 of an object, read in chunks."""

    def read() -> str:
        digest = hashlib.sha256()
        with store.open(key) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    return read_repeatedly(read)
