"""Which versions are probably current, for when a pointer is lost. The read path uses this too."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from shared.errors import ArtefactError, NotFoundError
from shared.schemas.manifest import ArtefactKind, Manifest
from shared.storage import artefacts, registry
from shared.storage.objects import ObjectStore

_EARLIEST = datetime.min.replace(tzinfo=UTC)


def newest_indexes(store: ObjectStore, model_version: str | None) -> list[str]:
    """Index versions, newest first; those of the given model before all others."""
    by_model = registry.indexes_by_model(store)
    versions = sorted((name for names in by_model.values() for name in names), reverse=True)
    preferred = set(by_model.get(model_version or "", []))
    return sorted(versions, key=lambda name: name not in preferred)


def likely_models(store: ObjectStore, last_model: str | None = None) -> list[str]:
    """Model versions by the evidence that they are current, the most likely first.

    The evidence is the newer of the log of activations and the current index, then the ledger, then
    the time when a version was made.

    Args:
        store: the artefact bucket.
        last_model: the model that the ledger names last, if the caller knows it.
    """
    versions = [version for _, version in sorted(_evidence(store), reverse=True)]
    versions += [last_model] if last_model else []
    manifests = [_manifest(store, "model", name) for name in artefacts.versions(store, "model")]
    newest = sorted((each for each in manifests if each), key=lambda each: each.created_at)
    versions += [manifest.version for manifest in reversed(newest)]
    return list(dict.fromkeys(versions))


def was_current(store: ObjectStore, last_model: str | None = None) -> bool:
    """Whether anything shows that a model was current before."""
    return last_model is not None or any(True for _ in _evidence(store))


def _evidence(store: ObjectStore) -> Iterator[tuple[datetime, str]]:
    with suppress(ArtefactError):  # a check sets a damaged entry aside
        if entries := registry.history(store):
            yield entries[-1].at, entries[-1].version
    index = artefacts.current_version(store, "index")
    manifest = _manifest(store, "index", index) if index else None
    if manifest is not None and manifest.model_version is not None:
        yield manifest.created_at, manifest.model_version
    elif index is None:
        for version, indexes in registry.indexes_by_model(store).items():
            if indexes:
                yield _EARLIEST, version


def _manifest(store: ObjectStore, kind: ArtefactKind, version: str) -> Manifest | None:
    try:
        return artefacts.read_manifest(store, kind, version)
    except (NotFoundError, ArtefactError):
        return None
