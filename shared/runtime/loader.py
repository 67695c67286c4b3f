"""Loads the current model of the artefact bucket and keeps it up to date."""

import threading
from pathlib import Path

from shared.errors import ReviewlensError, UnavailableError
from shared.runtime.cascade import SecondModel
from shared.runtime.encoder import Encoder
from shared.storage import artefacts
from shared.storage.objects import ObjectStore
from shared.storage.refresh import LastGoodVersion, RefreshTimer

NO_MODEL = "no model is published yet"


class ModelLoader:
    """Provides the encoder that the pointer names, and loads a new one when the pointer moves.

    For code that needs only the model (processing). When a version cannot be opened, ``problem``
    says why and the previous one stays in use (shared.storage.refresh).
    """

    def __init__(
        self, store: ObjectStore, cache_dir: Path, *, threads: int = 1, refresh_seconds: float = 5.0
    ) -> None:
        self._store = store
        self._timer = RefreshTimer(refresh_seconds)
        self._lock = threading.Lock()
        self._encoder = LastGoodVersion(
            lambda version: open_version(store, version, cache_dir, threads=threads)
        )
        self.problem: str | None = None

    def encoder(self) -> Encoder:
        """Return the current encoder.

        Raises:
            UnavailableError: no model is published, or none can be opened.
        """
        encoder = self._encoder.value
        if encoder is not None and not self._timer.is_due:
            return encoder
        with self._lock:
            if self._encoder.value is None or self._timer.is_due:
                self._refresh()
                self._timer.restart()
            if self._encoder.value is None:
                raise UnavailableError(self.problem or NO_MODEL)
            return self._encoder.value

    def _refresh(self) -> None:
        try:
            pointer = artefacts.current(self._store, "model")
            if pointer is not None:
                self._encoder.open(pointer.version)
        except ReviewlensError as error:
            self.problem = error.message
        else:
            self.problem = NO_MODEL if pointer is None else None


def second_model(
    version: str,
    below: float | None,
    store: ObjectStore,
    cache_dir: Path,
    *,
    threads: int,
    idle_threads: int | None = None,
) -> SecondModel | None:
    """The second model of a cascade (see CascadeSettings); None without a version.

    Opens nothing yet.
    """
    if not version:
        return None

    def open_second() -> Encoder:
        return open_version(store, version, cache_dir, threads=threads, idle_threads=idle_threads)

    return SecondModel(version, below, open_second)


def open_version(
    store: ObjectStore,
    version: str,
    cache_dir: Path,
    *,
    threads: int = 1,
    idle_threads: int | None = None,
) -> Encoder:
    """Fetch, verify and open one model version; see Encoder for the threads.

    Raises:
        NotFoundError: there is no such version.
        ArtefactError: the version is corrupt or cannot serve here.
    """
    fetched = artefacts.fetch(store, "model", version, cache_dir)
    return Encoder(fetched, threads=threads, idle_threads=idle_threads)
