"""Scores, indexes and moves both pointers, and repeats this until no review is lost."""

import time

from sagemaker_jobs.activate import pointers
from sagemaker_jobs.activate.dependencies import ActivationDependencies, StepCallback
from sagemaker_jobs.score.scoring import Report, score_missing
from shared.errors import ConflictError, NotFoundError, UnavailableError
from shared.index.build import index_for, indexed_shards
from shared.schemas.manifest import Manifest
from shared.scoring.stored import VersionedEncoder
from shared.storage import artefacts, registry
from shared.storage.artefacts import Current

_RETRY_SECONDS = 0.5
_STALL_SECONDS = 180.0
"""Time limit without a newly scored review, while other workers hold shards."""


def switch_pair(
    dependencies: ActivationDependencies,
    encoder: VersionedEncoder,
    current: Current | None,
    *,
    force: bool,
    on_step: StepCallback,
) -> tuple[Manifest | None, Report]:
    """Make a model and its index current.

    Args:
        dependencies: adapters to work with.
        encoder: the opened model.
        current: the model pointer as it was when the activation began.
        force: switch although the new index lacks shards of the current one.
        on_step: called with each step in a few words.

    Returns:
        The manifest of the index (None if there are no reviews) and the sum of all scoring passes.

    Raises:
        ConflictError: another model became current first.
        UnavailableError: a dependency does not answer, or shards of the current index cannot be
            scored now.
    """
    store, version, total = dependencies.artefacts, encoder.version, Report()
    model_moved = current is not None and current.version == version
    deadline: float | None = None
    while deadline is None or time.monotonic() < deadline:
        scored_before = total.reviews
        index = _build_index(dependencies, encoder, on_step, total)
        if total.reviews > scored_before or deadline is None:  # there was progress
            deadline = time.monotonic() + _STALL_SECONDS
        pointer = artefacts.current(store, "index")
        if not force and _loses_shards(dependencies, pointer, index):
            time.sleep(_RETRY_SECONDS)
            continue
        if model_moved:
            pointers.require_current(store, version)
        else:
            pointers.move_model(store, version, current)
            model_moved = True
        registry.record_activation(store, version, forced=force)
        if index is None or _move_index_pointer(dependencies, index, pointer):
            return index, total
    raise UnavailableError(
        f"{version} cannot score some shards of the current index now (they are being processed, or"
        " their clean shard is gone): try again later, or leave them out with --force"
    )


def _build_index(
    dependencies: ActivationDependencies,
    encoder: VersionedEncoder,
    on_step: StepCallback,
    total: Report,
) -> Manifest | None:
    """Score and index everything processed so far; adds the scoring to ``total``."""
    _score(dependencies, encoder, on_step, total)
    on_step("index")
    index, _ = index_for(dependencies.artefacts, encoder.version)
    # shards that were processed during the build: usually none
    if _score(dependencies, encoder, on_step, total):
        index, _ = index_for(dependencies.artefacts, encoder.version)
    return index


def _score(
    dependencies: ActivationDependencies,
    encoder: VersionedEncoder,
    on_step: StepCallback,
    total: Report,
) -> int:
    """Score missing shards; returns the number of reviews and adds it to ``total``."""
    report = score_missing(
        dependencies,
        encoder,
        progress=lambda done, shards: on_step(f"scoring {done} of {shards} shards"),
        reuse=lambda: dependencies.open_reuse(encoder.version),
    )
    total.reviews += report.reviews
    total.reused += report.reused
    return report.reviews


def _loses_shards(
    dependencies: ActivationDependencies, pointer: Current | None, index: Manifest | None
) -> bool:
    """Whether the current index holds shards that the new one does not."""
    if pointer is None:
        return False
    store = dependencies.artefacts
    try:
        current = artefacts.read_manifest(store, "index", pointer.version)
    except NotFoundError:  # its build dropped it as the pointer moved to it: it holds nothing
        return False
    return bool(indexed_shards(store, current) - (indexed_shards(store, index) if index else set()))


def _move_index_pointer(
    dependencies: ActivationDependencies, index: Manifest, pointer: Current | None
) -> bool:
    """Move the index pointer; False if the switch must be tried again.

    Either a build moved the pointer first, or the index came from another build of the same shards,
    which dropped it when it was superseded.
    """
    if pointer is not None and pointer.version == index.version:
        return True
    store = dependencies.artefacts
    try:
        pointers.move_from(store, "index", index.version, pointer)
        artefacts.read_manifest(store, "index", index.version)
    except (ConflictError, NotFoundError):
        return False
    return True
