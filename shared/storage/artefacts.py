"""Immutable model and index versions in the artefact bucket, and the pointers to the current ones.

A version is its files and, written last, ``manifest.json``: a version without a manifest does not
exist. Only pointers change, and only by a conditional put.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from shared.errors import ArtefactError, ConflictError, NotFoundError, report_full_disk
from shared.schemas.formats import (
    DECISIONS,
    FUSION,
    INDEX,
    MODEL,
    POINTER,
    UNVERSIONED,
    StoredFormat,
)
from shared.schemas.fusion import FUSION as FUSION_FIELD
from shared.schemas.manifest import DECISIONS as DECISIONS_FIELD
from shared.schemas.manifest import ArtefactKind, Manifest, Pointer
from shared.storage.layout import pointer_key, version_prefix

if TYPE_CHECKING:  # trainings open model folders without a client of AWS
    from shared.storage.objects import ObjectStore

MANIFEST = "manifest.json"
_MAX_CACHED_VERSIONS = 3
_UNFINISHED_SECONDS = 3600.0  # no fetch takes that long
_FORMATS: dict[object, StoredFormat] = {"index": INDEX, "model": MODEL}
_PARAMETER_FORMATS = {DECISIONS_FIELD: DECISIONS, FUSION_FIELD: FUSION}


@dataclass(frozen=True, slots=True)
class Current:
    """The version that a pointer names, and the pointer's ETag for the next move."""

    version: str
    etag: str


@dataclass(frozen=True, slots=True)
class LocalVersion:
    """A version on this machine: a folder whose files were verified against the manifest."""

    folder: Path
    manifest: Manifest


def parse_manifest(body: bytes, *, file: str = MANIFEST) -> Manifest:
    """Read a manifest and check that its files cannot leave the version's folder.

    Args:
        body: the JSON text.
        file: what errors call it.

    Raises:
        FormatError: this release does not read its format version.
        ArtefactError: it is not a manifest, or names a file outside its folder.
    """
    fields = _json_object(body)
    kind = fields.get("kind")
    if isinstance(kind, str) and kind in _FORMATS:
        # first: a newer version may have fields that make it invalid here
        _FORMATS[kind].check(file, fields.get("format", UNVERSIONED))
        for name, stored in _PARAMETER_FORMATS.items():
            stored.check(f"{file}, {name}", _parameter_format(fields, name))
    try:
        manifest = Manifest.model_validate_json(body)
    except ValidationError as error:
        raise ArtefactError(f"{file} cannot be read as a manifest") from error
    for name in manifest.files:
        _check_name(name)
    return manifest


def _json_object(body: bytes) -> dict[str, object]:
    """The fields of a JSON object; empty for anything else, which validation refuses."""
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _parameter_format(fields: dict[str, object], name: str) -> object:
    parameters = fields.get("parameters")
    value = parameters.get(name) if isinstance(parameters, dict) else None
    return value.get("format", UNVERSIONED) if isinstance(value, dict) else UNVERSIONED


def _check_name(name: str) -> None:
    parts = name.split("/")
    plain = all(part not in {"", ".", ".."} and part.isprintable() for part in parts)
    if not plain or "\\" in name or ":" in name or name == MANIFEST:
        raise ArtefactError(f"the manifest names a file outside its folder: {name[:100]!r}")


def read_folder(folder: Path, *, kind: ArtefactKind) -> LocalVersion:
    """Open a version in a local folder and verify every file against its manifest.

    Raises:
        ArtefactError: a file is missing or differs, or the folder holds another kind.
    """
    try:
        body = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise ArtefactError(f"{folder.name} has no {MANIFEST}") from error
    manifest = parse_manifest(body, file=f"{folder.name}/{MANIFEST}")
    if manifest.kind != kind:
        raise ArtefactError(f"{manifest.version} is an artefact of kind {manifest.kind}")
    verify(folder, manifest)
    return LocalVersion(folder, manifest)


def verify(folder: Path, manifest: Manifest) -> None:
    """Compare size and SHA-256 of each file.

    Raises:
        ArtefactError: a file is missing or differs.
    """
    for name, entry in manifest.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != entry.bytes:
            raise ArtefactError(f"{name} of {manifest.version} is missing or has another size")
        if file_sha256(path) != entry.sha256:
            raise ArtefactError(f"{name} of {manifest.version} is corrupt (SHA-256 differs)")


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def publish(store: "ObjectStore", folder: Path, manifest: Manifest) -> None:
    """Upload a version: its files, then the manifest. Publishing it again has no effect.

    Raises:
        ArtefactError: the folder does not match the manifest.
        ConflictError: the version exists with other content.
    """
    verify(folder, manifest)
    for name in manifest.files:
        _check_name(name)
    if _is_published(store, manifest):
        return
    prefix = version_prefix(manifest.kind, manifest.version)
    for name in manifest.files:
        store.upload(prefix + name, folder / name)
    body = manifest.model_dump_json(indent=1).encode()
    try:
        store.put(prefix + MANIFEST, body, if_absent=True)
    except ConflictError:
        if not _is_published(store, manifest):
            raise


def _is_published(store: "ObjectStore", manifest: Manifest) -> bool:
    try:
        published = read_manifest(store, manifest.kind, manifest.version)
    except NotFoundError:
        return False
    if _content(published) != _content(manifest):
        raise ConflictError(f"version {manifest.version} exists with other content")
    return True


def _content(manifest: Manifest) -> tuple[object, ...]:
    """What decides a version's answers."""
    return manifest.files, manifest.decisions, manifest.joint, manifest.fusion


def read_manifest(store: "ObjectStore", kind: ArtefactKind, version: str) -> Manifest:
    """Manifest of a published version.

    Raises:
        NotFoundError: there is no such version.
        FormatError: this release does not read its format version.
        ArtefactError: the manifest cannot be read, or belongs to another version.
    """
    key = version_prefix(kind, version) + MANIFEST
    try:
        body, _ = store.get(key)
    except NotFoundError as error:
        raise NotFoundError(f"there is no {kind} {version}") from error
    manifest = parse_manifest(body, file=key)
    if (manifest.kind, manifest.version) != (kind, version):
        raise ArtefactError(f"the manifest of {kind} {version} belongs to another version")
    return manifest


def versions(store: "ObjectStore", kind: ArtefactKind) -> list[str]:
    """All versions that have a manifest, oldest first (index versions begin with their time)."""
    root = version_prefix(kind, "").rstrip("/") + "/"
    keys = [info.key.removeprefix(root).split("/") for info in store.list(root)]
    return sorted({key[0] for key in keys if key[1:] == [MANIFEST]})


def current(store: "ObjectStore", kind: ArtefactKind) -> Current | None:
    """The version that the pointer names; None before the first one.

    Raises:
        FormatError: this release does not read its format version.
        ArtefactError: the pointer cannot be read.
    """
    key = pointer_key(kind)
    try:
        body, info = store.get(key)
    except NotFoundError:
        return None
    POINTER.check(key, _json_object(body).get("format", UNVERSIONED))
    try:
        pointer = Pointer.model_validate_json(body)
    except ValidationError as error:
        raise ArtefactError(f"the pointer of kind {kind} cannot be read") from error
    return Current(pointer.version, info.etag)


def current_version(store: "ObjectStore", kind: ArtefactKind) -> str | None:
    """The version that the pointer names; None if there is no pointer or it cannot be read."""
    try:
        pointer = current(store, kind)
    except ArtefactError:
        return None
    return pointer.version if pointer else None


def move_pointer(
    store: "ObjectStore", kind: ArtefactKind, version: str, *, if_match: str | None
) -> str:
    """Make a published version the current one; returns the pointer's new ETag.

    Args:
        store: The artefact bucket.
        kind: model or index.
        version: The version to point at.
        if_match: ETag of the pointer that was read; None: there was none.

    Raises:
        NotFoundError: the version is not published.
        ConflictError: another writer moved the pointer, or a model without an embedding cannot
            become the current one.
    """
    check_embeds(read_manifest(store, kind, version))
    moved_at = datetime.now(UTC)
    pointer = Pointer(format=POINTER.version, kind=kind, version=version, moved_at=moved_at)
    body = pointer.model_dump_json().encode()
    key = pointer_key(kind)
    return store.put(key, body, if_match=if_match, if_absent=if_match is None).etag


def check_embeds(manifest: Manifest) -> None:
    """Raise a ConflictError for a model that has no embedding to search with."""
    if not manifest.embeds:
        raise ConflictError(
            f"model {manifest.version} has no embedding to search with: it can only be the second"
            " model of a cascade"
        )


def fetch(store: "ObjectStore", kind: ArtefactKind, version: str, cache_dir: Path) -> LocalVersion:
    """Download and verify a version into the folder ``cache_dir/models|indexes/<version>``.

    Files are downloaded to a temporary folder, which is renamed once all of them are verified, so
    a folder under its final name is complete. A verified folder is not downloaded again.

    Raises:
        NotFoundError: the version or one of its files does not exist.
        ArtefactError: a file is corrupt.
        StorageFullError: the disk has no space for it.
    """
    with report_full_disk(f"{kind} {version} cannot be stored"):
        return _fetch(store, kind, version, cache_dir)


def _fetch(store: "ObjectStore", kind: ArtefactKind, version: str, cache_dir: Path) -> LocalVersion:
    manifest = read_manifest(store, kind, version)
    target = cache_dir / version_prefix(kind, version)
    if _is_good(target, manifest):
        os.utime(target)
        return LocalVersion(target, manifest)
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=target.parent))
    try:
        _download(store, manifest, work)
        if target.exists() and not _is_good(target, manifest):
            shutil.rmtree(target, ignore_errors=True)
        try:
            work.rename(target)
        except OSError:
            # another process renamed the same version first; its files serve as well
            verify(target, manifest)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _evict_old(target)
    return LocalVersion(target, manifest)


def _is_good(folder: Path, manifest: Manifest) -> bool:
    try:
        verify(folder, manifest)
    except ArtefactError:
        return False
    return (folder / MANIFEST).is_file()


def _download(store: "ObjectStore", manifest: Manifest, folder: Path) -> None:
    prefix = version_prefix(manifest.kind, manifest.version)
    for name in manifest.files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        store.download(prefix + name, path)
    verify(folder, manifest)
    (folder / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")


def _evict_old(current: Path) -> None:
    """Remove all but the most recently used versions from the cache.

    Readers keep their open files. Unfinished downloads of killed processes are removed as well.
    """
    versions: dict[Path, float] = {}
    unfinished: dict[Path, float] = {}
    for path in current.parent.iterdir():
        if path != current and path.is_dir():
            with suppress(FileNotFoundError):  # another process renamed or removed it first
                group = unfinished if path.name.startswith(".") else versions
                group[path] = path.stat().st_mtime
    oldest = time.time() - _UNFINISHED_SECONDS
    expired = [path for path, changed in unfinished.items() if changed < oldest]
    expired += sorted(versions, key=versions.__getitem__, reverse=True)[_MAX_CACHED_VERSIONS - 1 :]
    for path in expired:
        shutil.rmtree(path, ignore_errors=True)


def is_removed(store: "ObjectStore", kind: ArtefactKind, version: str) -> bool:
    """Whether nothing of a version is left; a damaged version has some of its files."""
    return not any(True for _ in store.list(version_prefix(kind, version)))


def drop_removed(
    store: "ObjectStore", kind: ArtefactKind, cache_dir: Path, *, used: str | None
) -> None:
    """Delete the cached versions that were removed from the store, except the one in use.

    An upload that was undone must not stay on the disks of the processes that answer.
    """
    folder = cache_dir / version_prefix(kind, "").strip("/")
    if not folder.is_dir():
        return
    cached = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    for version in cached:
        if version != used and is_removed(store, kind, version):
            shutil.rmtree(folder / version, ignore_errors=True)


def discard(store: "ObjectStore", kind: ArtefactKind, version: str) -> None:
    """Delete a version that no pointer names, its manifest first."""
    prefix = version_prefix(kind, version)
    store.delete(prefix + MANIFEST)
    for info in list(store.list(prefix)):
        store.delete(info.key)
