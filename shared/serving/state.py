"""The pair of model and index that answers, kept up to date from the artefact bucket."""

import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from shared.errors import ArtefactError, NotFoundError, ReviewlensError, UnavailableError
from shared.index.reader import IndexReader
from shared.runtime.encoder import Encoder
from shared.runtime.loader import open_version
from shared.schemas.health import Check, Health, worst
from shared.schemas.manifest import ArtefactKind
from shared.storage import artefacts
from shared.storage.objects import ObjectStore

log = logging.getLogger(__name__)
_RETRY_BAD_SECONDS = 60.0
_FALL_BACK = 2
"""Earlier index versions that a new process tries when the current one is bad."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A model, and the index over what that very model embedded (None: there is no index)."""

    encoder: Encoder
    index: IndexReader | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the pointers ask for."""

    model: str | None
    index: str | None


class ServingState:
    """Gives each request one snapshot, and replaces it when a pointer moved.

    The index decides the pair: queries must be encoded by the model whose embeddings it holds, so
    a new model waits until an index of its embeddings is current. A version that cannot be opened
    is left alone for a minute, and the pair before it goes on answering.
    """

    def __init__(
        self,
        store: ObjectStore,
        cache_dir: Path,
        *,
        threads: int = 1,
        alone: int | None = None,
        refresh_seconds: float = 5.0,
        first_seconds: float = 20.0,
    ) -> None:
        self._store = store
        self._cache_dir = cache_dir
        self._threads = threads
        self._alone = alone
        self._refresh_seconds = refresh_seconds
        self._first_seconds = first_seconds
        self._first_load: Future[None] | None = None
        self._starting = threading.Lock()
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._checked = float("-inf")
        self._opened: Encoder | None = None
        self._bad: dict[str, tuple[float, str]] = {}
        self._problems: dict[str, str] = {}

    def snapshot(self) -> Snapshot:
        """The pair that answers now.

        The first call has it loaded in the background; it and calls that come meanwhile wait for
        that, up to ``first_seconds``: a large index takes longer than a request may, and goes on
        loading while nobody asks. Later ones never wait: a refresh that is due runs in the
        background, one at a time.

        Raises:
            UnavailableError: there is no model, or none that can be opened, or it is not there yet.
        """
        found = self._snapshot
        if found is None:
            return self._first()
        if self._is_due() and self._lock.acquire(blocking=False):
            try:
                threading.Thread(target=self._refresh_and_release, daemon=True).start()
            except RuntimeError:
                self._lock.release()
        return found

    def _first(self) -> Snapshot:
        try:
            self._loading().result(timeout=self._first_seconds)
        except TimeoutError as error:
            raise UnavailableError("model and index are being loaded; ask again") from error
        if self._snapshot is None:
            problem = self._problems.get("model", "no model is published yet")
            raise UnavailableError(problem, details=self._problems)
        return self._snapshot

    def _loading(self) -> Future[None]:
        """The first load that is under way, or a new one where the last one found no model."""
        with self._starting:
            if self._first_load is None or (self._first_load.done() and self._snapshot is None):
                self._first_load = Future()
                try:
                    threading.Thread(
                        target=self._load, args=(self._first_load,), daemon=True
                    ).start()
                except RuntimeError as error:
                    self._first_load = None
                    raise UnavailableError("no thread can be started; ask again") from error
            return self._first_load

    def _load(self, done: Future[None]) -> None:
        try:
            with self._lock:
                if self._snapshot is None:
                    self._refresh()
        finally:
            done.set_result(None)

    def refresh(self) -> None:
        """Look at the pointers now, and load what they name."""
        with self._lock:
            self._refresh()

    @property
    def loaded(self) -> Snapshot | None:
        """The pair that is loaded; None before the first."""
        return self._snapshot

    def checks(self) -> dict[str, Check]:
        """State of model and index, for /health. Loads them if nothing is loaded yet."""
        try:
            found: Snapshot | None = self.snapshot()
        except ReviewlensError:
            found = None
        model, index = self._problems.get("model"), self._problems.get("index")
        if found is None:
            missing = Check(status="unavailable", detail=model or "no model is published yet")
            return {"model": missing, "index": Check(status="degraded", detail=index)}
        if found.index is None and index is None:
            nothing = Check(detail="no index is published yet")
            return {"model": _checked(model), "index": nothing}
        return {"model": _checked(model), "index": _checked(index)}

    def _is_due(self) -> bool:
        return time.monotonic() - self._checked >= self._refresh_seconds

    def _refresh_and_release(self) -> None:
        try:
            self._refresh()
        finally:
            self._lock.release()

    def _refresh(self) -> None:
        """Bring the snapshot to what the pointers ask for; never raises."""
        problems: dict[str, str] = {}
        try:
            wanted = _Wanted(self._pointed("model"), self._pointed("index"))
            self._advance(wanted, problems)
        except ReviewlensError as error:
            problems["model" if self._snapshot is None else "index"] = error.message
        except Exception:
            log.exception("the artefacts cannot be refreshed")
            problems["model"] = "the artefacts cannot be refreshed; the failure was logged"
        for what, problem in problems.items():
            if self._problems.get(what) != problem:
                log.warning("%s: %s", what, problem)
        self._problems = problems
        self._checked = time.monotonic()

    def _pointed(self, kind: ArtefactKind) -> str | None:
        found = artefacts.current(self._store, kind)
        return found.version if found else None

    def _advance(self, wanted: _Wanted, problems: dict[str, str]) -> None:
        if wanted.index is not None:
            try:
                self._take_index(wanted.index)
            except ReviewlensError as error:
                problems["index"] = error.message
                self._fall_back(wanted.index)
        now = self._snapshot
        if now is not None and now.index is not None:
            if wanted.model not in {None, now.encoder.version}:
                problems["model"] = (
                    f"model {wanted.model} is current and waits for an index of its embeddings"
                )
            return
        try:
            self._take_model(wanted.model)
        except ReviewlensError as error:
            problems["model"] = error.message

    def _take_index(self, version: str) -> None:
        """Swap to an index version and the model that it belongs to."""
        now = self._snapshot
        if now is not None and now.index is not None and now.index.version == version:
            return
        self._refuse_bad(f"index {version}")
        try:
            self._snapshot = self._open_pair(version)
        except (ArtefactError, NotFoundError) as error:
            self._bad[f"index {version}"] = (time.monotonic(), error.message)
            raise
        log.info("answers come from index %s", version)

    def _fall_back(self, refused: str) -> None:
        """A process that has no index yet takes the newest one before that which was refused."""
        if self._snapshot is not None and self._snapshot.index is not None:
            return
        earlier = [name for name in artefacts.versions(self._store, "index") if name < refused]
        for version in reversed(earlier[-_FALL_BACK:]):
            try:
                self._take_index(version)
            except ReviewlensError as error:
                log.warning("index %s cannot be used either: %s", version, error.message)
            else:
                return

    def _open_pair(self, version: str) -> Snapshot:
        manifest = artefacts.read_manifest(self._store, "index", version)
        if manifest.model_version is None:
            raise ArtefactError(f"index {version} does not say which model it belongs to")
        encoder = self._encoder(manifest.model_version)
        if manifest.dimension != encoder.dimension:
            raise ArtefactError(f"index {version} has another dimension than its model")
        fetched = artefacts.fetch(self._store, "index", version, self._cache_dir)
        return Snapshot(encoder, IndexReader(fetched))

    def _take_model(self, version: str | None) -> None:
        """Without an index, answer with the current model alone."""
        if version is None:
            raise UnavailableError("no model is published yet")
        self._snapshot = Snapshot(self._encoder(version), None)

    def _encoder(self, version: str) -> Encoder:
        now = self._snapshot.encoder if self._snapshot else None
        for known in (now, self._opened):
            if known is not None and known.version == version:
                return known
        self._refuse_bad(f"model {version}")
        try:
            encoder = open_version(
                self._store,
                version,
                self._cache_dir,
                threads=self._threads,
                alone=self._alone,
            )
        except (ArtefactError, NotFoundError) as error:
            self._bad[f"model {version}"] = (time.monotonic(), error.message)
            raise
        self._opened = encoder
        return encoder

    def _refuse_bad(self, name: str) -> None:
        since, problem = self._bad.get(name, (float("-inf"), ""))
        if time.monotonic() - since < _RETRY_BAD_SECONDS:
            raise ArtefactError(problem)


def _checked(problem: str | None) -> Check:
    return Check(status="degraded", detail=problem) if problem else Check()


def health_of(service: str, version: str, state: ServingState) -> Health:
    """Health of a service that answers from a serving state."""
    checks = state.checks()
    now = state.loaded
    return Health(
        status=worst(checks),
        service=service,
        version=version,
        model_version=now.encoder.version if now else None,
        index_version=now.index.version if now and now.index else None,
        checks=checks,
    )
