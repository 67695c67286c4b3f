"""Opens the model and the index that the pointers of the artefact bucket name."""

import logging
from dataclasses import dataclass
from pathlib import Path

from shared.errors import ArtefactError, ReviewlensError, UnavailableError
from shared.index.reader import IndexReader
from shared.runtime.encoder import Encoder
from shared.runtime.loader import NO_MODEL, open_version
from shared.schemas.manifest import ArtefactKind
from shared.storage import artefacts
from shared.storage.objects import ObjectStore
from shared.storage.refresh import LastGoodVersion

log = logging.getLogger(__name__)
_MAX_FALLBACKS = 2
"""Earlier index versions that a new process tries when the current one is bad."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A model, and the index of the embeddings made by that model (None: there is no index)."""

    encoder: Encoder
    index: IndexReader | None


class SnapshotLoader:
    """Loads pairs of model and index; the last good pair stays when a version is bad.

    The index determines the pair: queries must be encoded by the model that made its embeddings,
    so a new model waits until an index of its embeddings is current. The caller serialises calls
    of ``refresh``; ``snapshot`` and ``problems`` may be read from any thread.
    """

    def __init__(
        self,
        store: ObjectStore,
        cache_dir: Path,
        *,
        threads: int = 1,
        idle_threads: int | None = None,
    ) -> None:
        self._store = store
        self._cache_dir = cache_dir
        self._encoders = LastGoodVersion(
            lambda version: open_version(
                store, version, cache_dir, threads=threads, idle_threads=idle_threads
            )
        )
        self._pairs = LastGoodVersion(self._open_pair)
        self.snapshot: Snapshot | None = None
        self.problems: dict[str, str] = {}

    def refresh(self) -> None:
        """Read the pointers and load the versions that they name; never raises."""
        problems: dict[str, str] = {}
        try:
            model, index = self._current_version("model"), self._current_version("index")
            self._advance(model, index, problems)
        except ReviewlensError as error:
            problems["model" if self.snapshot is None else "index"] = error.message
        except Exception:
            log.exception("the artefacts cannot be refreshed")
            problems["model"] = "the artefacts cannot be refreshed; the failure was logged"
        for kind, problem in problems.items():
            if self.problems.get(kind) != problem:
                log.warning("%s: %s", kind, problem)
        self.problems = problems

    def _current_version(self, kind: ArtefactKind) -> str | None:
        pointer = artefacts.current(self._store, kind)
        return pointer.version if pointer else None

    def _advance(self, model: str | None, index: str | None, problems: dict[str, str]) -> None:
        if index is not None:
            try:
                self._use_index(index)
            except ReviewlensError as error:
                problems["index"] = error.message
                self._fall_back(index)
        pair = self._pairs.value
        if pair is not None:
            if model not in {None, pair.encoder.version}:
                problems["model"] = (
                    f"model {model} is current and waits for an index of its embeddings"
                )
            return
        try:
            self._use_model_without_index(model)
        except ReviewlensError as error:
            problems["model"] = error.message

    def _use_index(self, version: str) -> None:
        """Swap to an index version and the model that it belongs to."""
        if version == self._pairs.version:
            return
        self.snapshot = self._pairs.open(version)
        log.info("index %s is in use", version)

    def _fall_back(self, refused: str) -> None:
        """In a process without an index, use the newest good one before the refused version."""
        if self._pairs.value is not None:
            return
        earlier = [name for name in artefacts.versions(self._store, "index") if name < refused]
        for version in reversed(earlier[-_MAX_FALLBACKS:]):
            try:
                self._use_index(version)
            except ReviewlensError as error:
                log.warning("index %s cannot be used either: %s", version, error.message)
            else:
                return

    def _open_pair(self, version: str) -> Snapshot:
        manifest = artefacts.read_manifest(self._store, "index", version)
        if manifest.model_version is None:
            raise ArtefactError(f"the manifest of index {version} has no model_version")
        encoder = self._encoder(manifest.model_version)
        if manifest.dimension != encoder.dimension:
            raise ArtefactError(f"the dimension of index {version} differs from its model's")
        fetched = artefacts.fetch(self._store, "index", version, self._cache_dir)
        return Snapshot(encoder, IndexReader(fetched))

    def _use_model_without_index(self, version: str | None) -> None:
        if version is None:
            raise UnavailableError(NO_MODEL)
        self.snapshot = Snapshot(self._encoder(version), None)

    def _encoder(self, version: str) -> Encoder:
        if self.snapshot is not None and self.snapshot.encoder.version == version:
            return self.snapshot.encoder
        return self._encoders.open(version)
