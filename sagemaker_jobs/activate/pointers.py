"""Moves the pointers of model and index: who wins where two move them at once, and the way back.

S3 alone is needed here. What else an activation or a rollback does stands in activation.py.
"""

from contextlib import suppress

from shared.errors import ConflictError, NotFoundError
from shared.schemas.manifest import ArtefactKind
from shared.storage import artefacts, registry
from shared.storage.artefacts import Current
from shared.storage.objects import ObjectStore
from shared.storage.registry import Activation

_ATTEMPTS = 10


def move(store: ObjectStore, kind: ArtefactKind, version: str, seen: Current | None) -> None:
    """Move a pointer from where it was seen; errors as in ``artefacts.move_pointer``."""
    artefacts.move_pointer(store, kind, version, if_match=seen.etag if seen else None)


def move_model(store: ObjectStore, version: str, now: Current | None) -> None:
    """Move the model pointer from where it was when we began.

    Raises:
        ConflictError: another model became current meanwhile.
    """
    winner = artefacts.current(store, "model")
    if winner == now:
        if now is not None:
            registry.note_found(store, now.version)
        with suppress(ConflictError):
            return move(store, "model", version, now)
    raise _lost(store, version)


def require_current(store: ObjectStore, version: str) -> None:
    """Raise ConflictError unless a model is current still.

    Asked between reading the index pointer and moving it: who takes the model pointer after this
    moves the index pointer after us, or makes our move fail.
    """
    now = artefacts.current(store, "model")
    if now is None or now.version != version:
        raise _lost(store, version)


def _lost(store: ObjectStore, version: str) -> ConflictError:
    winner = artefacts.current(store, "model")
    told = f"model {winner.version if winner else '?'} became current meanwhile"
    return ConflictError(f"{told}: {version} was not activated")


def before_current(store: ObjectStore) -> tuple[Current, Activation]:
    """The model that is current, and the entry of the log that a rollback returns to.

    Raises:
        NotFoundError: there is no version before.
    """
    now = artefacts.current(store, "model")
    target = registry.before(registry.history(store), now.version if now else None)
    if now is None or target is None:
        raise NotFoundError("there is no version before the current one")
    return now, target


def last_index(store: ObjectStore, version: str) -> str | None:
    """The newest index of a model; None where nothing is indexed at all.

    Raises:
        NotFoundError: others have an index, this model has none any more.
    """
    indexes = registry.indexes_of(store).get(version, [])
    if indexes:
        return indexes[-1]
    if artefacts.current(store, "index") is not None:
        told = f"{version} has no index any more: `reviewlens models activate {version}` builds one"
        raise NotFoundError(told)
    return None


def roll_back(store: ObjectStore, now: Current, target: Activation, index: str | None) -> None:
    """Move both pointers back, and note it.

    Args:
        store: the artefact bucket.
        now: the model that is current.
        target: what ``before_current`` gave with it.
        index: what ``last_index`` gave for it.

    Raises:
        ConflictError: another model became current meanwhile.
    """
    move_model(store, target.version, now)
    registry.note_rollback(store, target)
    if index is not None:
        _return_to(store, target.version, index)


def _return_to(store: ObjectStore, version: str, index: str) -> None:
    for _ in range(_ATTEMPTS):
        seen = artefacts.current(store, "index")
        require_current(store, version)
        with suppress(ConflictError):  # a build of the model that goes published once more
            return move(store, "index", index, seen)
    raise ConflictError("the index pointer is moved too often")
