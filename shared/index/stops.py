"""Record of a failed index build, used by /health to explain why the index is outdated."""

from datetime import UTC, datetime

from pydantic import ValidationError

from shared.errors import CorruptObjectError, NotFoundError
from shared.schemas.damage import StoppedBuild
from shared.storage.layout import STOPPED_BUILD
from shared.storage.objects import ObjectStore


def record(store: ObjectStore, reason: str) -> None:
    """Record why a build stopped; an unchanged reason keeps its time."""
    stopped = read(store)
    if stopped is None or stopped.reason != reason:
        body = StoppedBuild(reason=reason, since=datetime.now(UTC)).model_dump_json()
        store.put(STOPPED_BUILD, body.encode())


def clear(store: ObjectStore) -> None:
    """Remove the record, after a build that did not stop."""
    if read(store) is not None:
        store.delete(STOPPED_BUILD)


def read(store: ObjectStore) -> StoppedBuild | None:
    """Read the record; None if the last build did not stop."""
    try:
        body, _ = store.get(STOPPED_BUILD)
        return StoppedBuild.model_validate_json(body)
    except NotFoundError:
        return None
    except (ValidationError, CorruptObjectError):
        return StoppedBuild(reason="the record cannot be read", since=datetime.now(UTC))
