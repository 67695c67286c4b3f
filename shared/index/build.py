"""Builds an index version of all embeddings of the current model, and makes it current."""

import json
import logging
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import (
    ArtefactError,
    ConflictError,
    CorruptObjectError,
    NotFoundError,
    ReviewlensError,
    UnavailableError,
)
from shared.index import picture_writer, stops, undone, vectors
from shared.index.damaged import RepairWait
from shared.index.picture_writer import list_batches
from shared.index.shards import hash_of
from shared.index.writer import IndexWriter
from shared.schemas.formats import FormatError
from shared.schemas.manifest import Manifest
from shared.storage import artefacts, forgotten, quarantine, registry
from shared.storage.layout import SHARDS_FILE, pointer_key, version_prefix
from shared.storage.objects import ObjectStore
from shared.storage.pairs import ShardPair, Skipped, list_pairs, shard_of
from shared.storage.verify import corrupt

log = logging.getLogger(__name__)
_MAX_ATTEMPTS = 5
_MAX_VERSIONS = 3


@dataclass(frozen=True, slots=True)
class BuildReport:
    """Result of a build.

    ``outcome``: published, unchanged, superseded, waiting, empty or stopped. A build stops, and the
    current index stays, if it meets a format that this release does not read; ``reason`` names the
    file. It waits for a new model, or for the repair of a shard that the current index holds. If
    nothing is left to index because uploads were undone, there is no current index afterwards.
    """

    outcome: str
    version: str | None = None
    count: int = 0
    shards: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    reason: str | None = None


def build_index(
    store: ObjectStore,
    *,
    exact_up_to: int = vectors.EXACT_UP_TO,
    work_dir: Path | None = None,
    force: bool = False,
) -> BuildReport:
    """Build, publish and point at an index of all complete shards of the current model.

    If the current index already covers these shards, nothing is built. Damaged shards are skipped,
    set aside, reported and logged; a shard of an unknown format stops the build. No review
    disappears from searches: after a change of model, the build waits until the new model has
    embedded all reviews of the current index, and up to an hour for the repair of damaged shards.
    Reviews of undone uploads do disappear: afterwards no version holds them, except the current one
    while it waits for a repair.

    Args:
        store: The artefact bucket.
        exact_up_to: Largest number of vectors that are searched exactly; above, HNSW.
        work_dir: Where the files are written; the system's temporary folder by default.
        force: Build even if the current index is up to date, and wait for nothing.

    Raises:
        UnavailableError: no model is published, or the store does not answer.
        ConflictError: another build moved the pointer, and neither index covers the other, or it
            made an index current that holds an undone upload; a retry helps.
    """
    try:
        report = _build(store, exact_up_to, work_dir, force=force)
    except FormatError as error:
        return _stop(store, error)
    if undone.discard_holders(store) and report.outcome != "waiting":
        raise ConflictError("a build that began before an upload was undone moved the pointer")
    if report.outcome != "waiting":  # a waiting build has not read any shard
        stops.clear(store)
    return report


def _build(
    store: ObjectStore, exact_up_to: int, work_dir: Path | None, *, force: bool
) -> BuildReport:
    model = artefacts.current(store, "model")
    if model is None:
        raise UnavailableError("no model is published yet")
    pointer, etag = _read_pointer(store)
    pairs, halves = list_pairs(store, model.version)
    now = _manifest_of(store, pointer)
    model_version, must_go = model.version, undone.holds(store, pointer)
    if now is not None and not force:
        if not must_go and _covers_same(store, now, model.version, pairs):
            return BuildReport("unchanged", now.version, now.count or 0, len(pairs), halves)
        if _is_behind(store, now, model.version, pairs):
            log.info("the index waits until model %s embeds all of %s", model.version, now.version)
            if not must_go:
                return BuildReport("waiting", now.version, now.count or 0, len(pairs), halves)
            model_version = str(now.model_version)  # the same reviews, without an undone upload
    wait = _repair_wait(store, model_version, None if force else now)
    built, skipped = publish_index(
        store, model_version, exact_up_to=exact_up_to, work_dir=work_dir, wait=wait
    )
    if wait.is_waiting and now is not None:
        log.warning("the index waits for the repair of shards that %s holds", now.version)
        return BuildReport("waiting", now.version, now.count or 0, len(pairs), skipped)
    if built is None:
        undone.remove_pointer(store, pointer)
        return BuildReport("empty", skipped=skipped)
    try:
        outcome = _make_current(store, built.manifest, etag, built.included)
    except FormatError:  # another build won, and this release cannot compare the two
        artefacts.discard(store, "index", built.manifest.version)
        raise
    if outcome == "published":
        retire_old(store, built.manifest)
    version, count = built.manifest.version, built.manifest.count or 0
    return BuildReport(outcome, version, count, len(built.included), skipped)


def _read_pointer(store: ObjectStore) -> tuple[artefacts.Current | None, str | None]:
    """The index pointer and its ETag; one that cannot be read is recorded, and replaced later.

    Raises:
        FormatError: this release does not read its format version.
    """
    try:
        pointer = artefacts.current(store, "index")
    except FormatError:
        raise
    except ArtefactError as error:
        key = pointer_key("index")
        damage = corrupt(store, key, error.message)
        quarantine.set_aside(store, store, damage, "the next index replaces it", keep=True)
        return None, store.head(key).etag
    return pointer, pointer.etag if pointer else None


def _repair_wait(store: ObjectStore, model_version: str, now: Manifest | None) -> RepairWait:
    dimension = artefacts.read_manifest(store, "model", model_version).dimension
    is_same_model = now is not None and now.model_version == model_version
    indexed = indexed_shards(store, now) if now is not None and is_same_model else set()
    return RepairWait(store, model_version, dimension, frozenset(indexed))


def _stop(store: ObjectStore, error: FormatError) -> BuildReport:
    """Keep the current index, and record why the build stopped."""
    log.error("the index build stopped and the current index stays: %s", error.message)
    stops.record(store, error.message)
    version, count = None, 0
    with suppress(FormatError):  # the build may have stopped at the pointer or the current index
        pointer = artefacts.current(store, "index")
        version = pointer.version if pointer else None
        now = _manifest_of(store, pointer)
        count = (now.count or 0) if now else 0
    return BuildReport("stopped", version, count, reason=error.message)


@dataclass(frozen=True, slots=True)
class Built:
    """A published index version that no pointer names yet, and its shards."""

    manifest: Manifest
    included: list[ShardPair]


def publish_index(
    store: ObjectStore,
    model_version: str,
    *,
    exact_up_to: int = vectors.EXACT_UP_TO,
    work_dir: Path | None = None,
    wait: RepairWait | None = None,
) -> tuple[Built | None, list[Skipped]]:
    """Build and publish an index of all complete shards of a model; does not move the pointer.

    Args:
        store: The artefact bucket.
        model_version: The model whose embeddings are indexed; it need not be the current one.
        exact_up_to: Largest number of vectors that are searched exactly; above, HNSW.
        work_dir: Where the files are written; the system's temporary folder by default.
        wait: Sets damaged shards aside, and decides whether the version is published without them.

    Returns:
        The version (None: nothing was published) and the skipped shards.

    Raises:
        NotFoundError: there is no such model.
        FormatError: this release does not read the format of a shard; nothing is published.
        UnavailableError: the store does not answer.
    """
    model = artefacts.read_manifest(store, "model", model_version)
    pairs, halves = list_pairs(store, model_version)
    with tempfile.TemporaryDirectory(prefix="reviewlens-index-", dir=work_dir) as name:
        writer = IndexWriter(store, Path(name), model, exact_up_to)
        manifest = writer.write(pairs, list_batches(store, model_version))
        skipped = [*halves, *writer.skipped]
        for entry in skipped:
            log.warning("the index skips %s: it %s", entry.stem, entry.reason)
        stems = [pair.stem for pair in writer.included], [entry.stem for entry in skipped]
        may_publish = wait is None or wait.may_publish(*stems)
        if manifest is None or not may_publish:
            return None, skipped
        artefacts.publish(store, Path(name), manifest)
    return Built(manifest, writer.included), skipped


def index_for(store: ObjectStore, model_version: str) -> tuple[Manifest | None, list[Skipped]]:
    """Return an index of all embeddings of a model: an existing one, otherwise a new one.

    Returns:
        Its manifest (None: there is nothing to index) and the shards that a new one skipped.

    Raises:
        FormatError: this release does not read the format of a shard; nothing is published.
    """
    pairs, _ = list_pairs(store, model_version)
    for version in reversed(registry.indexes_by_model(store).get(model_version, [])):
        manifest = artefacts.read_manifest(store, "index", version)
        if _covers_same(store, manifest, model_version, pairs):
            return manifest, []
    wait = _repair_wait(store, model_version, None)
    built, skipped = publish_index(store, model_version, wait=wait)
    return built.manifest if built else None, skipped


def indexed_shards(store: ObjectStore, manifest: Manifest) -> set[str]:
    """Names of the shards in an index that belong there, without the model version.

    Those of uploads that are undone do not.
    """
    model, gone = str(manifest.model_version), forgotten.marked(store)
    names = _pair_names(store, manifest)
    return {shard_of(name, model) for name in names if forgotten.ingest_of(name) not in gone}


def _manifest_of(store: ObjectStore, pointer: artefacts.Current | None) -> Manifest | None:
    """Manifest of the current index; None if there is none or it is corrupt.

    Raises:
        FormatError: this release does not read it and cannot know what it covers.
    """
    try:
        return artefacts.read_manifest(store, "index", pointer.version) if pointer else None
    except (UnavailableError, FormatError):
        raise
    except ReviewlensError as error:
        log.warning("the current index cannot be read: %s", error.message)
        return None


def _covers_same(
    store: ObjectStore, manifest: Manifest, model_version: str, pairs: list[ShardPair]
) -> bool:
    """Whether an index was built from exactly these shards and all pictures, and is complete."""
    if manifest.parameters.get("shards_sha256") != hash_of(pairs):
        return False
    pictures = picture_writer.hash_of(list_batches(store, model_version))
    if manifest.parameters.get("pictures_sha256", "") != pictures:
        return False
    prefix = version_prefix("index", manifest.version)
    sizes = {info.key.removeprefix(prefix): info.size for info in store.list(prefix)}
    complete = all(sizes.get(name) == entry.bytes for name, entry in manifest.files.items())
    return complete and manifest.model_version == model_version


def _is_behind(
    store: ObjectStore, now: Manifest, model_version: str, pairs: list[ShardPair]
) -> bool:
    """Whether an index of another model holds shards that this model has not embedded yet."""
    if now.model_version is None or now.model_version == model_version:
        return False
    return bool(indexed_shards(store, now) - {shard_of(pair.name, model_version) for pair in pairs})


def _make_current(
    store: ObjectStore, built: Manifest, etag: str | None, included: list[ShardPair]
) -> str:
    """Move the pointer to the new index, unless another build that covers as much won."""
    ours = {pair.name for pair in included}
    for _ in range(_MAX_ATTEMPTS):
        try:
            artefacts.move_pointer(store, "index", built.version, if_match=etag)
        except ConflictError:
            log.info("another build moved the pointer before %s", built.version)
        else:
            return "published"
        # a single read: the next put replaces exactly the pointer that is compared here
        pointer = artefacts.current(store, "index")
        etag = pointer.etag if pointer else None
        if pointer is not None and pointer.version == built.version:
            return "published"  # an activation made it current first
        winner = _manifest_of(store, pointer)
        if winner is not None and winner.model_version != built.model_version:
            model = artefacts.current(store, "model")
            if model is not None and model.version == winner.model_version:
                artefacts.discard(store, "index", built.version)
                return "superseded"
        elif winner is not None:
            theirs = _pair_names(store, winner)
            if theirs >= ours:
                artefacts.discard(store, "index", built.version)
                return "superseded"
            if not theirs <= ours:
                artefacts.discard(store, "index", built.version)
                raise ConflictError("another build covers shards that this one does not")
    raise ConflictError("too many concurrent moves of the index pointer")


def _pair_names(store: ObjectStore, manifest: Manifest) -> set[str]:
    try:
        body, _ = store.get(version_prefix("index", manifest.version) + SHARDS_FILE)
        return set(json.loads(body))
    except (NotFoundError, CorruptObjectError, ValueError, TypeError):
        return set()


def retire_old(store: ObjectStore, current: Manifest) -> None:
    """Delete all but the last few versions; processes load the current one within seconds.

    The newest index of the previous model also stays, for a rollback. So do versions without a
    manifest: another build is still uploading them.
    """
    try:
        earlier = [name for name in artefacts.versions(store, "index") if name < current.version]
        keep = set(earlier[1 - _MAX_VERSIONS :]) | _rollback_index(store, current)
        for version in earlier:
            if version not in keep:
                artefacts.discard(store, "index", version)
    except ReviewlensError as error:
        log.warning("old index versions cannot be deleted now: %s", error.message)


def _rollback_index(store: ObjectStore, current: Manifest) -> set[str]:
    """The newest index of the model that a rollback would return to."""
    target = registry.rollback_target(registry.history(store), current.model_version)
    indexes = registry.indexes_by_model(store).get(target.version, []) if target else []
    return set(indexes[-1:])
