"""The current model of the artefact bucket, kept up to date."""

import threading
import time
from pathlib import Path

from shared.errors import ArtefactError, NotFoundError, ReviewlensError, UnavailableError
from shared.runtime.encoder import Encoder
from shared.storage import artefacts
from shared.storage.objects import ObjectStore

_RETRY_BAD_SECONDS = 60.0


class ModelLoader:
    """Gives the encoder that the pointer names, loading it when the pointer moved.

    For work that needs the model alone (processing). A version that cannot be opened is
    remembered in ``problem`` and left alone for a minute; the one before it goes on serving.
    """

    def __init__(
        self, store: ObjectStore, cache_dir: Path, *, threads: int = 1, refresh_seconds: float = 5.0
    ) -> None:
        self._store = store
        self._cache_dir = cache_dir
        self._threads = threads
        self._refresh_seconds = refresh_seconds
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._checked = float("-inf")
        self._bad: tuple[str, float] = ("", 0.0)
        self.problem: str | None = None

    def encoder(self) -> Encoder:
        """The current encoder.

        Raises:
            UnavailableError: no model is published, or none that can be opened.
        """
        found = self._encoder
        if found is not None and time.monotonic() - self._checked < self._refresh_seconds:
            return found
        with self._lock:
            if self._encoder is None or self._is_due():
                self._refresh()
                self._checked = time.monotonic()
            if self._encoder is None:
                raise UnavailableError(self.problem or "no model is published yet")
            return self._encoder

    def _is_due(self) -> bool:
        return time.monotonic() - self._checked >= self._refresh_seconds

    def _refresh(self) -> None:
        try:
            pointer = artefacts.current(self._store, "model")
            if pointer is None:
                self.problem = "no model is published yet"
            elif self._encoder is not None and self._encoder.version == pointer.version:
                self.problem = None
            elif self._bad[0] != pointer.version or time.monotonic() > self._bad[1]:
                self._open(pointer.version)
        except ReviewlensError as error:
            self.problem = error.message

    def _open(self, version: str) -> None:
        try:
            self._encoder = open_version(
                self._store, version, self._cache_dir, threads=self._threads
            )
        except (ArtefactError, NotFoundError):
            self._bad = (version, time.monotonic() + _RETRY_BAD_SECONDS)
            raise
        self.problem = None


def open_version(
    store: ObjectStore,
    version: str,
    cache_dir: Path,
    *,
    threads: int = 1,
    alone: int | None = None,
) -> Encoder:
    """Fetch, verify and open one model version; ``threads`` and ``alone`` are the Encoder's.

    Raises:
        NotFoundError: there is no such version.
        ArtefactError: the version is corrupt or does not serve here.
    """
    fetched = artefacts.fetch(store, "model", version, cache_dir)
    return Encoder(fetched, threads=threads, alone=alone)
