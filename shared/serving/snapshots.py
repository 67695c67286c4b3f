"""Opens the model and the index that the pointers of the artefact bucket name."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from shared.errors import ArtefactError, ReviewlensError
from shared.index.reader import IndexReader
from shared.runtime.encoder import Encoder
from shared.runtime.loader import NO_MODEL, open_version
from shared.schemas.manifest import ArtefactKind
from shared.storage import artefacts
from shared.storage.likely import likely_models, newest_indexes, was_current
from shared.storage.objects import ObjectStore
from shared.storage.refresh import LastGoodVersion

log = logging.getLogger(__name__)
_NO_USABLE_INDEX = "no index can be used now: no reviews were compared"
_MAX_FALLBACKS = 2
"""Other versions that a new process tries when the current one is bad."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A model, and the index of the embeddings made by that model (None: there is no index).

    ``warnings`` belong in every answer: they say that the answer comes from another version than
    the one that is current.
    """

    encoder: Encoder
    index: IndexReader | None
    warnings: tuple[str, ...] = ()


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
        self._fell_back = False
        self.snapshot: Snapshot | None = None
        self.problems: dict[str, str] = {}

    def refresh(self) -> None:
        """Read the pointers and load the versions that they name; never raises."""
        problems: dict[str, str] = {}
        try:
            self._advance(problems)
        except ReviewlensError as error:
            problems["model" if self.snapshot is None else "index"] = error.message
        except Exception:
            log.exception("the artefacts cannot be refreshed")
            problems["model"] = "the artefacts cannot be refreshed; the failure was logged"
        self._drop_removed()
        for kind, problem in problems.items():
            if self.problems.get(kind) != problem:
                log.warning("%s: %s", kind, problem)
        self.problems = problems

    def _drop_removed(self) -> None:
        """Delete removed indexes from the cache; where that fails, the next refresh tries again."""
        with suppress(ReviewlensError):
            artefacts.drop_removed(self._store, "index", self._cache_dir, used=self._pairs.version)

    def _pointer(self, kind: ArtefactKind, problems: dict[str, str]) -> str | None:
        """The version that a pointer names; None, with a problem, if it is damaged."""
        try:
            pointer = artefacts.current(self._store, kind)
        except ArtefactError as error:
            problems[kind] = error.message
            return None
        return pointer.version if pointer else None

    def _advance(self, problems: dict[str, str]) -> None:
        model, index = self._pointer("model", problems), self._pointer("index", problems)
        if index is not None:
            try:
                self._use_index(index)
            except ReviewlensError as error:
                problems["index"] = error.message
        elif self._pairs.version is not None and "index" not in problems:
            self._miss_pointer(self._pairs.version, problems)
        if self._pairs.value is None:
            self._fall_back(index, model, problems)
        if self._pairs.value is None:
            self._use_model_without_index(model, problems)
            return
        pair = self._pairs.value
        if model not in {None, pair.encoder.version}:
            problems.setdefault(
                "model", f"model {model} is current and waits for an index of its embeddings"
            )
        self.snapshot = replace(pair, warnings=self._warnings(pair, index))

    def _miss_pointer(self, version: str, problems: dict[str, str]) -> None:
        """Without a pointer, keep the index, unless it was removed: nothing is left to search."""
        if artefacts.is_removed(self._store, "index", version):
            self._pairs.drop()
            log.info("index %s was removed", version)
        else:
            problems["index"] = "the index pointer is missing"

    def _warnings(self, pair: Snapshot, index: str | None) -> tuple[str, ...]:
        version = self._pairs.version
        if index == version or (index is None and not self._fell_back):
            self._fell_back = False
            return ()
        reason = f"index {index} cannot be used" if index else "the index pointer cannot be read"
        return (f"{reason}: index {version} of model {pair.encoder.version} answers instead",)

    def _use_index(self, version: str) -> None:
        """Swap to an index version and the model that it belongs to."""
        if version == self._pairs.version:
            return
        self.snapshot = self._pairs.open(version)
        log.info("index %s is in use", version)

    def _fall_back(self, refused: str | None, model: str | None, problems: dict[str, str]) -> None:
        """In a process without an index, use the newest good one.

        It must be older than the refused one. If the pointer is lost, those of the current model
        come first.
        """
        earlier = newest_indexes(self._store, None if refused else model)
        if refused is None and earlier:
            problems.setdefault("index", "the index pointer is missing")
        candidates = [name for name in earlier if refused is None or name < refused]
        for version in candidates[:_MAX_FALLBACKS]:
            try:
                self._use_index(version)
            except ReviewlensError as error:
                log.warning("index %s cannot be used either: %s", version, error.message)
            else:
                self._fell_back = True
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

    def _use_model_without_index(self, model: str | None, problems: dict[str, str]) -> None:
        """Use the current model alone; if it cannot be used, the most likely other one."""
        warnings = [_NO_USABLE_INDEX] if "index" in problems else []
        for version in self._models(model, problems):
            try:
                encoder = self._encoder(version)
            except ReviewlensError as error:
                problems.setdefault("model", error.message)
                continue
            if version != model:
                current = f"model {model}" if model else "the model pointer"
                warnings.append(f"{current} cannot be used: model {version} answers instead")
            self.snapshot = Snapshot(encoder, None, tuple(warnings))
            return
        problems.setdefault("model", NO_MODEL)

    def _models(self, model: str | None, problems: dict[str, str]) -> Iterator[str]:
        if model is not None:
            yield model
        elif "model" not in problems and not was_current(self._store):
            return  # none was ever published
        last_good = [self.snapshot.encoder.version] if self.snapshot else []
        for version in [*last_good, *likely_models(self._store)[:_MAX_FALLBACKS]]:
            if version != model:
                problems.setdefault("model", "the model pointer is missing")
                yield version

    def _encoder(self, version: str) -> Encoder:
        if self.snapshot is not None and self.snapshot.encoder.version == version:
            return self.snapshot.encoder
        return self._encoders.open(version)
