"""Repairs model and index versions and the pointers to them."""

from lambdas.processing.dependencies import Dependencies
from shared.db.ingest.repair import last_model
from shared.schemas.damage import Damage, DamageRecord
from shared.schemas.manifest import ArtefactKind
from shared.schemas.messages import BuildIndex
from shared.storage import artefacts, quarantine
from shared.storage.layout import pointer_key, version_prefix
from shared.storage.likely import was_current
from shared.storage.restore import restore_pointer, restore_version
from shared.storage.verify import check_manifest, check_pointer, check_version

_KINDS: tuple[ArtefactKind, ...] = ("model", "index")
_BUILD_AGAIN = "a new index is built from the embeddings"
_NO_COPY = "there is no intact copy of this model here: register it again"


class Versions:
    """The models and indexes of the artefact bucket."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._store = dependencies.artefacts

    def repair_pointers(self) -> None:
        """Repair pointers that are missing or damaged, or name a version without a manifest."""
        for kind in _KINDS:
            damage = check_pointer(self._store, kind)
            if damage is not None:
                self._repair_pointer(kind, damage)

    def _repair_pointer(self, kind: ArtefactKind, damage: Damage) -> None:
        if damage.problem == "missing" and not self._must_exist(kind):
            return
        version = artefacts.current_version(self._store, kind)
        if version is not None and kind == "index":
            # the pointer stays: processes keep the index in memory, and the next build moves it
            self._request_build(f"index {version} is damaged")
            quarantine.record(self._store, damage, _BUILD_AGAIN)
        elif version is None or not self._restore_model(version):
            restore_pointer(self._store, kind, damage, last_model=self._last_model())

    def _must_exist(self, kind: ArtefactKind) -> bool:
        if kind == "index":
            return bool(artefacts.versions(self._store, "index"))
        return was_current(self._store, self._last_model())

    def _last_model(self) -> str | None:
        with self._dependencies.database.transaction() as connection:
            return last_model(connection)

    def check(self, kind: ArtefactKind, version: str) -> None:
        """Read all files of a version, and repair it if one is damaged."""
        damages = check_version(self._store, kind, version)
        if not damages:
            return
        if kind == "index":
            prefix = version_prefix(kind, version)
            quarantine.set_aside_folder(self._store, prefix, damages, _BUILD_AGAIN)
            self._request_build(f"index {version} is damaged")
        elif not self._restore_model(version):
            self._replace_model(version, damages)

    def _restore_model(self, version: str) -> bool:
        cache = self._dependencies.cache_dir
        folder = cache / version_prefix("model", version) if cache else None
        return folder is not None and restore_version(self._store, "model", folder)

    def _replace_model(self, version: str, damages: list[Damage]) -> None:
        """Go back to an intact model if the damaged one is current."""
        for damage in damages:
            quarantine.record(self._store, damage, _NO_COPY)
        if artefacts.current_version(self._store, "model") == version:
            restore_pointer(self._store, "model", damages[0], last_model=self._last_model())

    def _request_build(self, reason: str) -> None:
        self._dependencies.index_queue.send([BuildIndex(reason=reason)])

    def is_whole(self, record: DamageRecord) -> bool:
        """Whether what was damaged is intact again, or replaced."""
        for kind in _KINDS:
            if record.key == pointer_key(kind):
                return check_pointer(self._store, kind) is None
            if record.key.startswith(version_prefix(kind, "").removesuffix("/")):
                return self._is_version_whole(kind, record.key.split("/")[1])
        return True

    def _is_version_whole(self, kind: ArtefactKind, version: str) -> bool:
        if kind == "model":
            return not check_version(self._store, kind, version)
        if version in artefacts.versions(self._store, kind):
            return not check_version(self._store, kind, version)
        current = artefacts.current_version(self._store, kind)
        return current is not None and check_manifest(self._store, kind, current)[1] is None
