"""Moves the pointers of model and index, forward and back, safely against concurrent moves.

This module needs S3 alone. The other steps of an activation are in switch.py and activation.py.
"""

from contextlib import suppress

from shared.errors import ConflictError, NotFoundError
from shared.schemas.manifest import ArtefactKind
from shared.storage import artefacts, registry
from shared.storage.artefacts import Current
from shared.storage.objects import ObjectStore
from shared.storage.registry import Activation

_MAX_ATTEMPTS = 10


def move_from(
    store: ObjectStore, kind: ArtefactKind, version: str, pointer: Current | None
) -> None:
    """Move a pointer if it is unchanged; errors as in ``artefacts.move_pointer``."""
    artefacts.move_pointer(store, kind, version, if_match=pointer.etag if pointer else None)


def move_model(store: ObjectStore, version: str, pointer: Current | None) -> None:
    """Move the model pointer if it is unchanged since ``pointer`` was read.

    Raises:
        ConflictError: another model became current first.
    """
    if artefacts.current(store, "model") == pointer:
        if pointer is not None:
            registry.record_current(store, pointer.version)
        with suppress(ConflictError):
            return move_from(store, "model", version, pointer)
    raise _overtaken(store, version)


def require_current(store: ObjectStore, version: str) -> None:
    """Raise ConflictError unless a model is still current.

    Called between reading the index pointer and moving it: an activation that takes the model
    pointer after this check moves the index pointer after ours, or makes our move fail.
    """
    pointer = artefacts.current(store, "model")
    if pointer is None or pointer.version != version:
        raise _overtaken(store, version)


def _overtaken(store: ObjectStore, version: str) -> ConflictError:
    winner = artefacts.current(store, "model")
    name = winner.version if winner else "?"
    return ConflictError(f"model {name} became current first: {version} was not activated")


def rollback_target(store: ObjectStore) -> tuple[Current, Activation]:
    """The current model, and the entry of the log that a rollback returns to.

    Raises:
        NotFoundError: there is no previous version.
    """
    current = artefacts.current(store, "model")
    target = registry.rollback_target(registry.history(store), current.version if current else None)
    if current is None or target is None:
        raise NotFoundError("there is no version before the current one")
    return current, target


def newest_index(store: ObjectStore, version: str) -> str | None:
    """The newest index of a model; None if no model has an index.

    Raises:
        NotFoundError: other models have an index, but this one's is gone.
    """
    indexes = registry.indexes_by_model(store).get(version, [])
    if indexes:
        return indexes[-1]
    if artefacts.current(store, "index") is not None:
        raise NotFoundError(
            f"{version} no longer has an index: `reviewlens models activate {version}` builds one"
        )
    return None


def roll_back(store: ObjectStore, current: Current, target: Activation, index: str | None) -> None:
    """Move both pointers back and log the rollback.

    Args:
        store: the artefact bucket.
        current: the current model, from ``rollback_target``.
        target: the entry to return to, from ``rollback_target``.
        index: the index to return to, from ``newest_index``.

    Raises:
        ConflictError: another model became current first.
    """
    move_model(store, target.version, current)
    registry.record_rollback(store, target)
    if index is not None:
        _move_index_back(store, target.version, index)


def _move_index_back(store: ObjectStore, version: str, index: str) -> None:
    for _ in range(_MAX_ATTEMPTS):
        pointer = artefacts.current(store, "index")
        require_current(store, version)
        with suppress(ConflictError):  # a late build of the replaced model moved it once more
            return move_from(store, "index", index, pointer)
    raise ConflictError("the index pointer is moved too often")
