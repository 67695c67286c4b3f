"""Makes a model and an index of its embeddings current together, and goes back to those before.

Serving takes its pair from the index pointer alone, so that pointer's move is the switch. The model
pointer, by which processing and builds go, is moved just before it; its conditional put settles who
wins where two activate at once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sagemaker_jobs.activate import pointers
from sagemaker_jobs.gate.ask import require_passed
from sagemaker_jobs.score.job import Dependencies, Report, VersionedEncoder, score_missing
from sagemaker_jobs.score.reuse import Reuse, open_reuse
from shared.db import text_figures
from shared.db.ingest.adoption import adopt, behind, let_count
from shared.db.ingest.ledger import Ledger
from shared.db.insights import rollups
from shared.db.insights.work import note_at_work
from shared.errors import ConflictError, NotFoundError, UnavailableError
from shared.index.build import index_for, indexed_shards, retire_old
from shared.runtime.loader import open_version
from shared.schemas.manifest import Manifest
from shared.storage import artefacts, registry
from shared.storage.artefacts import Current
from shared.storage.queues import MessageQueue

_PAUSE_SECONDS = 0.5
_PATIENCE_SECONDS = 180.0
"""How long nothing may change while shards are in other hands."""
_FIGURES_SECONDS = 600.0
"""How long the figures of insights are brought up to date; the sweep has the rest."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Stage(Dependencies):
    """What activation works with. ``open_model`` gives the encoder of a version."""

    processing_queue: MessageQueue
    cache_dir: Path
    threads: int = 1
    refresh_seconds: float = 5.0

    def open_model(self, version: str) -> VersionedEncoder:
        """Fetch, verify and open a version."""
        return open_version(self.artefacts, version, self.cache_dir, threads=self.threads)

    def open_reuse(self, version: str) -> Reuse | None:
        """What a version may take over from another one; None where it embeds for itself."""
        return open_reuse(self.artefacts, version, self.cache_dir)


class Activated(BaseModel):
    """What an activation or a rollback did.

    ``reviews_reused``: of those scored, as many were not read again, for an adapted model has the
    embeddings of another. ``shards_left`` is how many shards the new model had not processed when
    the wait ended: processing has them in its queue, or the sweep puts them there.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    action: Literal["activate", "rollback"]
    version: str
    replaced: str | None
    index_version: str | None
    reviews_scored: int = 0
    reviews_reused: int = 0
    shards_left: int = 0
    switched_after_seconds: float
    seconds: float


def _quiet(_step: str) -> None:
    """Report nothing."""


def activate(
    stage: Stage,
    version: str,
    *,
    force: bool = False,
    wait_seconds: float = 60.0,
    tell: Tell = _quiet,
) -> Activated:
    """Score every stored review with a model, build its index, then make both current.

    An activation that was interrupted goes on where it stopped when it is called again.

    Args:
        stage: what it works with.
        version: a published model.
        force: do it although the gate has not passed.
        wait_seconds: how long to wait for reviews that came while the switch was made.
        tell: told each step in a few words.

    Raises:
        NotFoundError: there is no such version.
        ArtefactError: it is corrupt or does not serve.
        GateError: the gate has not passed.
        ConflictError: another model became current meanwhile.
        UnavailableError: something does not answer, or shards of the current index cannot be
            scored now.
    """
    started = time.monotonic()
    store = stage.artefacts
    now = artefacts.current(store, "model")
    artefacts.read_manifest(store, "model", version)
    if now is not None and now.version != version and not force:
        tell("gate")
        require_passed(store, version, now.version)
    encoder = stage.open_model(version)
    index, scored = _switch(stage, encoder, now, force=force, tell=tell)
    switched = time.monotonic() - started
    if index is not None:
        retire_old(store, index)
    tell("reviews that came meanwhile")
    left = _settle(stage, version, wait_seconds)
    return Activated(
        action="activate",
        version=version,
        replaced=now.version if now and now.version != version else None,
        index_version=index.version if index else None,
        reviews_scored=scored.reviews,
        reviews_reused=scored.reused,
        shards_left=left,
        switched_after_seconds=round(switched, 3),
        seconds=round(time.monotonic() - started, 3),
    )


def _switch(
    stage: Stage, encoder: VersionedEncoder, now: Current | None, *, force: bool, tell: Tell
) -> tuple[Manifest | None, Report]:
    """Score, build and move the pointers, again until nothing is lost; the index, what it took."""
    store, version, scored = stage.artefacts, encoder.version, Report()
    moved = now is not None and now.version == version
    ends: float | None = None
    while ends is None or time.monotonic() < ends:
        before = scored.reviews
        index = _prepare(stage, encoder, tell, scored)
        if scored.reviews > before or ends is None:  # patience runs while nothing can be scored
            ends = time.monotonic() + _PATIENCE_SECONDS
        seen = artefacts.current(store, "index")
        if not force and _would_lose(stage, seen, index):
            time.sleep(_PAUSE_SECONDS)
            continue
        if moved:
            pointers.require_current(store, version)
        else:
            pointers.move_model(store, version, now)
            moved = True
        registry.note_activation(store, version, forced=force)
        if index is None or _take_index(stage, index, seen):
            _let_serve(stage, version)
            return index, scored
    raise UnavailableError(
        f"the current index holds shards that {version} cannot score now (they are being processed,"
        " or their clean shard is gone): try again later, or leave them out with --force"
    )


def _prepare(
    stage: Stage, encoder: VersionedEncoder, tell: Tell, scored: Report
) -> Manifest | None:
    """An index of all that is processed now; what it took is added to ``scored``."""
    _score(stage, encoder, tell, scored)
    tell("index")
    index, _ = index_for(stage.artefacts, encoder.version)
    # what came while it was built: few, as a rule none
    if _score(stage, encoder, tell, scored):
        index, _ = index_for(stage.artefacts, encoder.version)
    return index


def _score(stage: Stage, encoder: VersionedEncoder, tell: Tell, scored: Report) -> int:
    done = score_missing(
        stage,
        encoder,
        progress=lambda done, total: tell(f"scoring {done} of {total} shards"),
        reuse=lambda: stage.open_reuse(encoder.version),
    )
    scored.reviews += done.reviews
    scored.reused += done.reused
    return done.reviews


def _would_lose(stage: Stage, seen: Current | None, index: Manifest | None) -> bool:
    """Whether the current index holds reviews that the new one does not."""
    if seen is None:
        return False
    try:
        current = artefacts.read_manifest(stage.artefacts, "index", seen.version)
    except NotFoundError:  # dropped as the pointer moved to it: nothing is held
        return False
    held = indexed_shards(stage.artefacts, current)
    return bool(held - (indexed_shards(stage.artefacts, index) if index else set()))


def _take_index(stage: Stage, index: Manifest, seen: Current | None) -> bool:
    """Move the index pointer; False where it must be looked at again.

    A build moved it first; or the index is one that another build made of the same shards, and
    dropped when it found itself superseded.
    """
    if seen is not None and seen.version == index.version:
        return True
    try:
        pointers.move(stage.artefacts, "index", index.version, seen)
        artefacts.read_manifest(stage.artefacts, "index", index.version)
    except (ConflictError, NotFoundError):
        return False
    return True


def _let_serve(stage: Stage, version: str) -> None:
    """Ledger and insights follow the pointers."""
    with stage.database.transaction() as connection:
        adopt(connection, version)
    with stage.database.transaction() as connection:
        let_count(connection, version)
    note_at_work(stage.database, stage.artefacts, version)
    rollups.refresh(stage.database, seconds=_FIGURES_SECONDS)
    text_figures.refresh(stage.database, seconds=_FIGURES_SECONDS)


def _settle(stage: Stage, version: str, wait_seconds: float) -> int:
    """Have shards that the model before still processed done by the new one.

    Processing learns of a new pointer a few seconds late, and finishes what it has in hand.

    Returns:
        How many are not done when the wait ends.
    """
    ledger, started = Ledger(stage.database), time.monotonic()
    all_know = started + 2 * stage.refresh_seconds
    waiting: set[tuple[str, int]] | None = None
    while True:
        reopened = ledger.reopen(version, 0.0)
        stage.processing_queue.send(reopened)
        with stage.database.transaction() as connection:
            undone = behind(connection, version)
        moment = time.monotonic()
        if waiting is None and moment >= all_know:
            waiting = undone
        left = undone if waiting is None else undone & waiting
        if (waiting is not None and not left) or moment - started >= wait_seconds:
            return len(left)
        time.sleep(_PAUSE_SECONDS)


def rollback(stage: Stage, *, tell: Tell = _quiet) -> Activated:
    """Make the model before the current one, and its index, current again.

    Reviews that came since then are queued: processing embeds them with that model, and the next
    build takes them in.

    Raises:
        NotFoundError: there is no version before, or no index of it any more.
        ConflictError: another model became current meanwhile.
    """
    started = time.monotonic()
    store = stage.artefacts
    now, target = pointers.before_current(store)
    tell(target.version)
    index = pointers.last_index(store, target.version)
    pointers.roll_back(store, now, target, index)
    switched = time.monotonic() - started
    _let_serve(stage, target.version)
    reopened = Ledger(stage.database).reopen(target.version, 0.0)
    stage.processing_queue.send(reopened)
    return Activated(
        action="rollback",
        version=target.version,
        replaced=now.version,
        index_version=index,
        shards_left=len(reopened),
        switched_after_seconds=round(switched, 3),
        seconds=round(time.monotonic() - started, 3),
    )
