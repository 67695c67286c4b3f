"""Makes a model and its index current together, and returns to the previous pair.

Serving takes its pair from the index pointer alone, so moving that pointer is the switch. The model
pointer, which processing and index builds follow, is moved just before it; its conditional put
decides which of two concurrent activations wins.
"""

import time
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sagemaker_jobs.activate import pointers
from sagemaker_jobs.activate.dependencies import ActivationDependencies, StepCallback, ignore_step
from sagemaker_jobs.activate.switch import switch_pair
from sagemaker_jobs.gate.published import require_passed
from shared.db import text_figures
from shared.db.ingest.adoption import activate_analyses, adopt_shards, unprocessed_shards
from shared.db.ingest.ledger import Ledger
from shared.db.insights import rollups
from shared.db.insights.active_model import record_active_model
from shared.errors import ConflictError
from shared.index.build import retire_old
from shared.schemas.manifest import Manifest
from shared.storage import artefacts

_POLL_SECONDS = 0.5
_REFRESH_SECONDS = 600.0
"""Time limit of one refresh of the insights figures; the sweep completes it."""


class ActivationReport(BaseModel):
    """Result of an activation or a rollback.

    ``reviews_reused`` counts the scored reviews that were not encoded again, because an adapted
    model shares its embeddings with another version. ``shards_left`` counts the shards that the new
    model had not processed when the wait ended; they are queued, or the sweep queues them.
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


def activate(
    dependencies: ActivationDependencies,
    version: str,
    *,
    force: bool = False,
    wait_seconds: float = 60.0,
    on_step: StepCallback = ignore_step,
) -> ActivationReport:
    """Score every stored review with a model, build its index, then make both current.

    Calling it again continues an interrupted activation.

    Args:
        dependencies: adapters to work with.
        version: a published model.
        force: activate although the gate has not passed.
        wait_seconds: how long to wait for reviews that arrived during the switch.
        on_step: called with each step in a few words.

    Raises:
        NotFoundError: there is no such version.
        ArtefactError: it is corrupt or cannot serve.
        GateError: the gate has not passed.
        ConflictError: another model became current first, this one has no embedding, or its fusion
            head reads pictures by another picture model than the one that answers requests.
        UnavailableError: a dependency does not answer, or shards of the current index cannot be
            scored now.
    """
    started = time.monotonic()
    store = dependencies.artefacts
    current = artefacts.current(store, "model")
    manifest = artefacts.read_manifest(store, "model", version)
    artefacts.check_embeds(manifest)
    _check_picture_model(manifest, dependencies.picture_sha256)
    if current is not None and current.version != version and not force:
        on_step("gate")
        require_passed(store, version, current.version)
    encoder = dependencies.open_model(version)
    index, scored = switch_pair(dependencies, encoder, current, force=force, on_step=on_step)
    _update_database(dependencies, version)
    switched = time.monotonic() - started
    if index is not None:
        retire_old(store, index)
    on_step("reviews that arrived during the switch")
    unprocessed = _wait_until_processed(dependencies, version, wait_seconds)
    return ActivationReport(
        action="activate",
        version=version,
        replaced=current.version if current and current.version != version else None,
        index_version=index.version if index else None,
        reviews_scored=scored.reviews,
        reviews_reused=scored.reused,
        shards_left=unprocessed,
        switched_after_seconds=round(switched, 3),
        seconds=round(time.monotonic() - started, 3),
    )


def _check_picture_model(manifest: Manifest, installed: str | None) -> None:
    """Refuse a head that was trained with another picture model; its own towers always fit."""
    fusion = manifest.fusion
    if fusion is None or manifest.joint is not None or installed is None:
        return
    if fusion.picture_sha256 != installed:
        raise ConflictError(
            f"the fusion head of {manifest.version} was trained with {fusion.picture_model}, which"
            " is not the installed picture model: train it again with models/pictures"
        )


def _update_database(dependencies: ActivationDependencies, version: str) -> None:
    """Make ledger and insights follow the pointers."""
    database = dependencies.database
    with database.transaction() as connection:
        adopt_shards(connection, version)
    with database.transaction() as connection:
        activate_analyses(connection, version)
    record_active_model(database, dependencies.artefacts, version)
    rollups.refresh(database, seconds=_REFRESH_SECONDS)
    text_figures.refresh(database, seconds=_REFRESH_SECONDS)


def _wait_until_processed(
    dependencies: ActivationDependencies, version: str, wait_seconds: float
) -> int:
    """Have the new model process the shards that the previous one still processed.

    Processing sees a moved pointer a few seconds late, and finishes the shard it works on.

    Returns:
        The number of shards not processed when the wait ends.
    """
    ledger, started = Ledger(dependencies.database), time.monotonic()
    pointer_seen_at = started + 2 * dependencies.refresh_seconds
    awaited: set[tuple[str, int]] | None = None
    while True:
        reopened = ledger.reopen(version, 0.0)
        dependencies.processing_queue.send(reopened)
        with dependencies.database.transaction() as connection:
            unprocessed = unprocessed_shards(connection, version)
        now = time.monotonic()
        if awaited is None and now >= pointer_seen_at:
            awaited = unprocessed
        remaining = unprocessed if awaited is None else unprocessed & awaited
        if (awaited is not None and not remaining) or now - started >= wait_seconds:
            return len(remaining)
        time.sleep(_POLL_SECONDS)


def rollback(
    dependencies: ActivationDependencies, *, on_step: StepCallback = ignore_step
) -> ActivationReport:
    """Make the previous model and its index current again.

    Reviews that arrived since are queued: processing embeds them with that model, and the next
    build includes them.

    Raises:
        NotFoundError: there is no previous version, or its index is gone.
        ConflictError: another model became current first, or this one has no embedding.
    """
    started = time.monotonic()
    store = dependencies.artefacts
    current, target = pointers.rollback_target(store)
    on_step(target.version)
    index = pointers.newest_index(store, target.version)
    pointers.roll_back(store, current, target, index)
    switched = time.monotonic() - started
    _update_database(dependencies, target.version)
    reopened = Ledger(dependencies.database).reopen(target.version, 0.0)
    dependencies.processing_queue.send(reopened)
    return ActivationReport(
        action="rollback",
        version=target.version,
        replaced=current.version,
        index_version=index,
        shards_left=len(reopened),
        switched_after_seconds=round(switched, 3),
        seconds=round(time.monotonic() - started, 3),
    )
