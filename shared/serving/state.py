"""The pair of model and index that answers requests, kept up to date in the background."""

import threading
import time
from concurrent.futures import Future, wait
from pathlib import Path

from shared.errors import ReviewlensError, UnavailableError
from shared.runtime.cascade import SecondModel
from shared.runtime.loader import NO_MODEL
from shared.schemas.health import Check, Health, worst_status
from shared.serving.damages import damage_check
from shared.serving.snapshots import Snapshot, SnapshotLoader
from shared.serving.turns import Turn
from shared.storage.objects import ObjectStore
from shared.storage.refresh import RefreshTimer

_MIN_PAUSE_SECONDS = 0.2
_CHECK_SECONDS = 0.5
"""Reading the pointers, or loading something small; a function is always held for it."""


class ServingState:
    """Gives each request one snapshot, and replaces it when a pointer moves."""

    def __init__(
        self,
        store: ObjectStore,
        cache_dir: Path,
        *,
        threads: int = 1,
        idle_threads: int | None = None,
        refresh_seconds: float = 5.0,
        first_load_seconds: float = 20.0,
        swap_delay_seconds: float = 300.0,
    ) -> None:
        self._store = store
        self._loader = SnapshotLoader(store, cache_dir, threads=threads, idle_threads=idle_threads)
        self._timer = RefreshTimer(refresh_seconds)
        self._first_load_seconds = first_load_seconds
        self._first_load: Future[None] | None = None
        self._first_load_lock = threading.Lock()
        self._refresh_lock = threading.Lock()
        self._load_seconds = 0.0
        self._turn = Turn(swap_delay_seconds)

    def snapshot(self) -> Snapshot:
        """Return the current pair.

        The first call starts a load in the background. All calls wait for it up to
        ``first_load_seconds``, because a large index takes longer to load than a request may; the
        load continues without them. Later calls never wait: a refresh that is due runs in the
        background, one at a time.

        Raises:
            UnavailableError: there is no model, none can be opened, or the first load is not done.
        """
        snapshot = self._loader.snapshot
        if snapshot is None:
            return self._wait_for_first_load()
        self._refresh_in_background()
        return snapshot

    def _wait_for_first_load(self) -> Snapshot:
        try:
            self._start_first_load().result(timeout=self._first_load_seconds)
        except TimeoutError as error:
            raise UnavailableError("model and index are being loaded; try again") from error
        snapshot, problems = self._loader.snapshot, self._loader.problems
        if snapshot is None:
            raise UnavailableError(problems.get("model", NO_MODEL), details=problems)
        return snapshot

    def _start_first_load(self) -> Future[None]:
        """Return the first load in progress; start one if there is none or the last found none."""
        with self._first_load_lock:
            if self._first_load is None or (self._first_load.done() and self.loaded is None):
                self._first_load = Future()
                try:
                    threading.Thread(
                        target=self._load, args=(self._first_load,), daemon=True
                    ).start()
                except RuntimeError as error:
                    self._first_load = None
                    raise UnavailableError("no thread can be started; try again") from error
            return self._first_load

    def _load(self, done: Future[None]) -> None:
        try:
            with self._refresh_lock:
                if self.loaded is None:
                    self._refresh()
        finally:
            done.set_result(None)

    def refresh(self) -> None:
        """Read the pointers now, and load the versions that they name."""
        with self._refresh_lock:
            self._refresh()

    def _refresh_and_release(self) -> None:
        try:
            self._refresh()
        finally:
            self._refresh_lock.release()

    def _refresh(self) -> None:
        is_first, started = self.loaded is None, time.monotonic()
        self._loader.refresh()
        if is_first:
            self._load_seconds = time.monotonic() - started
        self._timer.restart()

    def settle(self, seconds: float) -> None:
        """Wait until what runs in the background has ended, for at most some seconds.

        For functions on Lambda, which are frozen between requests. A first load is always waited
        for. Later ones take turns with those of other processes, if they take longer than a check
        of the pointers.
        """
        deadline = time.monotonic() + seconds
        if self.loaded is None:
            if self._first_load is not None:
                wait([self._first_load], timeout=seconds)
            return
        is_over = self._wait_for_refresh(min(seconds, _CHECK_SECONDS))
        if not is_over and self._turn.has_come(self._load_seconds):
            is_over = self._wait_for_refresh(deadline - time.monotonic())
        if is_over:
            self._turn.end()

    def _wait_for_refresh(self, seconds: float) -> bool:
        if not self._refresh_lock.acquire(timeout=max(0.0, seconds)):
            return False
        self._refresh_lock.release()
        return True

    def keep_current(self, stopping: threading.Event) -> None:
        """Follow the pointers between requests, so that none gets an outdated pair after a pause.

        For servers; for functions on Lambda, see ``settle``. The first load is left to the first
        request.

        Args:
            stopping: ends this call.
        """
        while not stopping.wait(max(self._timer.seconds, _MIN_PAUSE_SECONDS)):
            if self.loaded is not None:
                self._refresh_in_background()

    def _refresh_in_background(self) -> None:
        if self._timer.is_due and self._refresh_lock.acquire(blocking=False):
            try:
                threading.Thread(target=self._refresh_and_release, daemon=True).start()
            except RuntimeError:
                self._refresh_lock.release()

    @property
    def loaded(self) -> Snapshot | None:
        """The pair in memory; None before the first load."""
        return self._loader.snapshot

    def checks(self) -> dict[str, Check]:
        """State of model and index, for /health. Loads them if nothing is loaded yet."""
        try:
            snapshot: Snapshot | None = self.snapshot()
        except ReviewlensError:
            snapshot = None
        model, index = self._loader.problems.get("model"), self._loader.problems.get("index")
        damaged = damage_check(self._store)
        checks = {} if damaged is None else {"stored_objects": damaged}
        if snapshot is None:
            missing = Check(status="unavailable", detail=model or NO_MODEL)
            return {"model": missing, "index": Check(status="degraded", detail=index), **checks}
        if snapshot.index is None and index is None:
            no_index = Check(detail="no index is published yet")
            return {"model": _check(model), "index": no_index, **checks}
        return {"model": _check(model), "index": _check(index), **checks}


def _check(problem: str | None) -> Check:
    return Check(status="degraded", detail=problem) if problem else Check()


def with_second_model(health: Health, second: SecondModel | None) -> Health:
    """Add the second model of a cascade, which is opened, to a health."""
    if second is None:
        return health
    second.cascade()
    checks = {**health.checks, "second_model": _check(second.problem)}
    return health.model_copy(update={"checks": checks, "status": worst_status(checks)})


def serving_health(service: str, version: str, state: ServingState) -> Health:
    """Health of a service that answers from a serving state."""
    checks = state.checks()
    snapshot = state.loaded
    return Health(
        status=worst_status(checks),
        service=service,
        version=version,
        model_version=snapshot.encoder.version if snapshot else None,
        index_version=snapshot.index.version if snapshot and snapshot.index else None,
        checks=checks,
    )
