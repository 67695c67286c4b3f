"""Builds an index version over everything that the current model embedded, and makes it current."""

import json
import logging
import secrets
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import ConflictError, NotFoundError, ReviewlensError, UnavailableError
from shared.index import rows, vectors
from shared.index.rows import RowWriter
from shared.index.shards import (
    ShardError,
    ShardPair,
    Skipped,
    hash_of,
    list_pairs,
    place_of,
    python_rows,
    read_pair,
    rows_of,
)
from shared.index.vectors import Vectors
from shared.schemas.manifest import FileEntry, Manifest
from shared.storage import artefacts, registry
from shared.storage.layout import version_prefix
from shared.storage.objects import ObjectStore

log = logging.getLogger(__name__)
SHARDS_FILE = "shards.json"
_ADD_ROWS = 8_192
_ATTEMPTS = 5
_KEEP_VERSIONS = 3


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. ``outcome``: published, unchanged, superseded, waiting or empty."""

    outcome: str
    version: str | None = None
    count: int = 0
    shards: int = 0
    skipped: list[Skipped] = field(default_factory=list)


def build_index(
    store: ObjectStore,
    *,
    exact_up_to: int = vectors.EXACT_UP_TO,
    work_dir: Path | None = None,
    force: bool = False,
) -> BuildReport:
    """Build, publish and point at an index of all complete shards of the current model.

    A set of shards that the current index covers already is left as it is. Shards that are
    truncated or do not fit are left out, reported and logged. After a change of model the index
    waits until the new model embedded everything that the current index holds, so that no review
    is lost to searches meanwhile.

    Args:
        store: The artefact bucket.
        exact_up_to: Most vectors that are searched exactly; above, HNSW.
        work_dir: Where the files are made; the system's temporary folder by default.
        force: Build even what is current already, and do not wait for shards of an earlier model.

    Raises:
        UnavailableError: no model is published, or the store does not answer.
        ConflictError: another build moved the pointer, and neither index covers the other: build
            again.
    """
    model = artefacts.current(store, "model")
    if model is None:
        raise UnavailableError("no model is published yet")
    pointer = artefacts.current(store, "index")
    pairs, halves = list_pairs(store, model.version)
    now = _manifest_of(store, pointer)
    if now is not None and not force and _covers_same(store, now, model.version, hash_of(pairs)):
        return BuildReport("unchanged", now.version, now.count or 0, len(pairs), halves)
    if now is not None and not force and _is_behind(store, now, model.version, pairs):
        log.info(
            "the index waits until model %s has embedded all of %s", model.version, now.version
        )
        return BuildReport("waiting", now.version, now.count or 0, len(pairs), halves)
    built, skipped = publish_index(store, model.version, exact_up_to=exact_up_to, work_dir=work_dir)
    if built is None:
        return BuildReport("empty", skipped=skipped)
    etag = pointer.etag if pointer else None
    outcome = _make_current(store, built.manifest, etag, built.included)
    if outcome == "published":
        retire_old(store, built.manifest)
    version, count = built.manifest.version, built.manifest.count or 0
    return BuildReport(outcome, version, count, len(built.included), skipped)


@dataclass(frozen=True, slots=True)
class Built:
    """A published index version that nothing points at yet, and the shards that it holds."""

    manifest: Manifest
    included: list[ShardPair]


def publish_index(
    store: ObjectStore,
    model_version: str,
    *,
    exact_up_to: int = vectors.EXACT_UP_TO,
    work_dir: Path | None = None,
) -> tuple[Built | None, list[Skipped]]:
    """Build and publish an index of all complete shards of a model, and leave the pointer alone.

    Args:
        store: The artefact bucket.
        model_version: The model whose embeddings are indexed; it need not be the current one.
        exact_up_to: Most vectors that are searched exactly; above, HNSW.
        work_dir: Where the files are made; the system's temporary folder by default.

    Returns:
        The version (None: there is nothing to index) and what was left out.

    Raises:
        NotFoundError: there is no such model.
        UnavailableError: the store does not answer.
    """
    model = artefacts.read_manifest(store, "model", model_version)
    pairs, halves = list_pairs(store, model_version)
    with tempfile.TemporaryDirectory(prefix="reviewlens-index-", dir=work_dir) as name:
        build = _Build(store, Path(name), model, exact_up_to)
        manifest = build.run(pairs, hash_of(pairs))
        skipped = [*halves, *build.skipped]
        for entry in skipped:
            log.warning("index leaves out %s: it %s", entry.stem, entry.reason)
        if manifest is None:
            return None, skipped
        artefacts.publish(store, Path(name), manifest)
    return Built(manifest, build.included), skipped


def index_for(store: ObjectStore, model_version: str) -> tuple[Manifest | None, list[Skipped]]:
    """An index over all that a model embedded: the one that is there already, or a new one.

    Returns:
        Its manifest (None: there is nothing to index) and, of a new one, what was left out.
    """
    pairs, _ = list_pairs(store, model_version)
    for version in reversed(registry.indexes_of(store).get(model_version, [])):
        found = artefacts.read_manifest(store, "index", version)
        if _covers_same(store, found, model_version, hash_of(pairs)):
            return found, []
    built, skipped = publish_index(store, model_version)
    return built.manifest if built else None, skipped


def held_by(store: ObjectStore, manifest: Manifest) -> set[str]:
    """Which shards an index holds, whatever model embedded them: ``<ingest>/part-<n>``."""
    model = str(manifest.model_version)
    return {place_of(name, model) for name in _shards_of(store, manifest)}


def _manifest_of(store: ObjectStore, pointer: artefacts.Current | None) -> Manifest | None:
    """Manifest of the index that is pointed at; None when there is none that can be read."""
    try:
        return artefacts.read_manifest(store, "index", pointer.version) if pointer else None
    except UnavailableError:
        raise
    except ReviewlensError as error:
        log.warning("the current index cannot be read: %s", error.message)
        return None


def _covers_same(store: ObjectStore, manifest: Manifest, model_version: str, digest: str) -> bool:
    """Whether the current index was made from these very shards, and is whole."""
    if manifest.parameters.get("shards_sha256") != digest:
        return False
    prefix = version_prefix("index", manifest.version)
    sizes = {info.key.removeprefix(prefix): info.size for info in store.list(prefix)}
    whole = all(sizes.get(name) == entry.bytes for name, entry in manifest.files.items())
    return whole and manifest.model_version == model_version


def _is_behind(
    store: ObjectStore, now: Manifest, model_version: str, pairs: list[ShardPair]
) -> bool:
    """Whether an index of another model holds shards that this model has not embedded yet."""
    if now.model_version is None or now.model_version == model_version:
        return False
    return bool(held_by(store, now) - {place_of(pair.name, model_version) for pair in pairs})


class _Build:
    """One build in a folder: memory holds the FAISS index and one pair of shards, no more."""

    def __init__(self, store: ObjectStore, folder: Path, model: Manifest, exact_up_to: int) -> None:
        self._store = store
        self._folder = folder
        self._model = model
        self._exact_up_to = exact_up_to
        self.skipped: list[Skipped] = []
        self.included: list[ShardPair] = []

    def run(self, pairs: list[ShardPair], digest: str) -> Manifest | None:
        """Write the files of a version; None when there is nothing to index."""
        expected = sum(rows_of(self._store, pair) for pair in pairs)
        if expected == 0:
            return None
        index = vectors.new_index(self._model.dimension, expected, exact_up_to=self._exact_up_to)
        writer = RowWriter(self._folder / rows.FILE)
        for pair in pairs:
            self._add(pair, index, writer)
        writer.close()
        if index.ntotal == 0:
            return None
        parameters = self._tune(index)
        path = self._folder / vectors.FILE
        vectors.write(index, path, graph=parameters["kind"] == "hnsw")
        self._write_shards()
        parameters |= {"shards_sha256": digest, "shards": len(self.included)}
        return self._manifest(index.ntotal, parameters)

    def _add(self, pair: ShardPair, index: Any, writer: RowWriter) -> None:
        try:
            array, table = read_pair(self._store, pair, self._model.dimension)
        except (ShardError, NotFoundError) as error:
            self.skipped.append(Skipped(pair.stem, f"cannot be used: {error}"))
            return
        for start in range(0, len(array), _ADD_ROWS):
            vectors.add(index, array[start : start + _ADD_ROWS].astype(np.float32))
        for chunk in python_rows(table):
            writer.add(chunk)
        self.included.append(pair)

    def _tune(self, index: Any) -> dict[str, object]:
        """Choose efSearch by measured recall; without enough of it the graph is not used."""
        if not hasattr(index, "hnsw"):
            return {"kind": "exact", "storage": "float16"}
        chosen = Vectors(index).least_effort()
        if chosen is None:
            log.warning("the HNSW graph misses the recall that is wanted: the index is exact")
            return {"kind": "exact", "storage": "float16"}
        effort, recall = chosen
        return {
            "kind": "hnsw",
            "storage": "float16",
            "m": vectors.NEIGHBOURS,
            "ef_construction": vectors.CONSTRUCTION_EFFORT,
            "ef_search": effort,
            "recall_at_10": recall,
        }

    def _write_shards(self) -> None:
        names = [pair.name for pair in self.included]
        (self._folder / SHARDS_FILE).write_text(json.dumps(names), encoding="utf-8")

    def _manifest(self, count: int, parameters: dict[str, object]) -> Manifest:
        names = (vectors.FILE, rows.FILE, SHARDS_FILE)
        paths = {name: self._folder / name for name in names}
        files = {
            name: FileEntry(sha256=artefacts.file_sha256(path), bytes=path.stat().st_size)
            for name, path in paths.items()
        }
        now = datetime.now(UTC)
        return Manifest(
            kind="index",
            version=f"{now:%Y%m%dT%H%M%S.%f}-{count}-{secrets.token_hex(3)}",
            created_at=now,
            files=files,
            dimension=self._model.dimension,
            model_version=self._model.version,
            count=count,
            parameters=parameters,
        )


def _make_current(
    store: ObjectStore, built: Manifest, etag: str | None, included: list[ShardPair]
) -> str:
    """Move the pointer to what was built, unless a build that covers more came first."""
    ours = {pair.name for pair in included}
    for _ in range(_ATTEMPTS):
        try:
            artefacts.move_pointer(store, "index", built.version, if_match=etag)
        except ConflictError:
            log.info("another build moved the pointer before %s", built.version)
        else:
            return "published"
        # one look for both: what is compared is what the next put replaces
        pointer = artefacts.current(store, "index")
        etag = pointer.etag if pointer else None
        if pointer is not None and pointer.version == built.version:
            return "published"  # an activation took it up before we could
        winner = _manifest_of(store, pointer)
        if winner is not None and winner.model_version != built.model_version:
            model = artefacts.current(store, "model")
            if model is not None and model.version == winner.model_version:
                artefacts.discard(store, "index", built.version)
                return "superseded"
        elif winner is not None:
            theirs = _shards_of(store, winner)
            if theirs >= ours:
                artefacts.discard(store, "index", built.version)
                return "superseded"
            if not theirs <= ours:
                artefacts.discard(store, "index", built.version)
                raise ConflictError("another build covers shards that this one does not")
    raise ConflictError("the index pointer is moved too often")


def _shards_of(store: ObjectStore, manifest: Manifest) -> set[str]:
    try:
        body, _ = store.get(version_prefix("index", manifest.version) + SHARDS_FILE)
        return set(json.loads(body))
    except (NotFoundError, ValueError):
        return set()


def retire_old(store: ObjectStore, current: Manifest) -> None:
    """Delete all but the last few versions; processes load the current one within seconds.

    The newest index of the model before stays as well, for a rollback. A version without a
    manifest is another build's, still being uploaded: it stays.
    """
    try:
        earlier = [name for name in artefacts.versions(store, "index") if name < current.version]
        kept = set(earlier[1 - _KEEP_VERSIONS :]) | _way_back(store, current)
        for version in earlier:
            if version not in kept:
                artefacts.discard(store, "index", version)
    except ReviewlensError as error:
        log.warning("old index versions cannot be deleted now: %s", error.message)


def _way_back(store: ObjectStore, current: Manifest) -> set[str]:
    """The newest index of the model that a rollback would return to."""
    line = registry.before(registry.history(store), current.model_version)
    indexes = registry.indexes_of(store).get(line.version, []) if line else []
    return set(indexes[-1:])
