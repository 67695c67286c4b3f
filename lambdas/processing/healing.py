"""The scheduled check of everything stored: damage is found, set aside and repaired.

What is missing is found in listings, every time. The bytes of all objects are read in turn: a check
continues where the time of the last one ended.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from pydantic import BaseModel

from lambdas.processing.dependencies import Dependencies
from lambdas.processing.log_repair import check_logs
from lambdas.processing.shard_repair import Shards
from lambdas.processing.version_repair import Versions
from shared.errors import ArtefactError, NotFoundError, ReviewlensError
from shared.schemas.damage import DamageRecord
from shared.schemas.manifest import ArtefactKind
from shared.storage import artefacts, quarantine
from shared.storage.layout import CHECKED, EMBEDDINGS, OPEN_DAMAGES
from shared.storage.verify import check_manifest

log = logging.getLogger(__name__)
_CHECK_SECONDS = 240.0
_LOCK = "check of stored objects"
Check = Callable[[], None]


class _Progress(BaseModel):
    """The last check that ran, in the order of names."""

    after: str


def heal(dependencies: Dependencies, *, seconds: float = _CHECK_SECONDS) -> int:
    """Check and repair what is stored, one worker at a time.

    Args:
        dependencies: adapters of processing.
        seconds: start no check of an object after this time.

    Returns:
        The number of objects that are still damaged.

    Raises:
        Exception: the first error of a check, after all others have run; check again.
    """
    with dependencies.database.lock(_LOCK) as acquired:
        return _Healing(dependencies).run(seconds) if acquired else 0


class _Healing:
    """One check; its parts are independent of each other."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._store = dependencies.artefacts
        self._versions = Versions(dependencies)
        self._failures: list[Exception] = []

    def run(self, seconds: float) -> int:
        self._try("pointers", self._versions.repair_pointers)
        shards = self._load_shards()
        if shards is not None:
            self._try("missing shards", shards.repair_missing)
        self._check_in_turn(dict(self._checks(shards)), seconds)
        damaged = 0
        for record in quarantine.open_records(self._store):
            damaged += not self._close(record, shards)
        log.info("stored objects checked", extra={"damaged": damaged})
        if self._failures:
            raise self._failures[0]
        return damaged

    def _try(self, name: str, check: Check) -> None:
        try:
            check()
        except Exception as error:
            log.warning("check of %s failed", name, exc_info=True)
            self._failures.append(error)

    def _load_shards(self) -> Shards | None:
        """The shards of the ledger; None while no model is current."""
        model = artefacts.current_version(self._store, "model")
        manifest = check_manifest(self._store, "model", model)[0] if model else None
        if manifest is None:
            return None
        return Shards.load(self._dependencies, manifest.version, manifest.dimension)

    def _checks(self, shards: Shards | None) -> Iterator[tuple[str, Check]]:
        if shards is not None:
            for shard in shards.shards:
                yield shard.key, partial(shards.check, shard)
        kinds: tuple[ArtefactKind, ...] = ("index", "model")
        for kind in kinds:
            for version in artefacts.versions(self._store, kind):
                yield f"{kind} {version}", partial(self._versions.check, kind, version)
        yield "logs", partial(check_logs, self._store)

    def _check_in_turn(self, checks: dict[str, Check], seconds: float) -> None:
        started, after = time.monotonic(), self._read_progress()
        names = sorted(checks)
        for name in [*(n for n in names if n > after), *(n for n in names if n <= after)]:
            if time.monotonic() - started >= seconds:
                break
            self._try(name, checks[name])
            after = name
        self._store.put(CHECKED, _Progress(after=after).model_dump_json().encode())

    def _read_progress(self) -> str:
        with suppress(NotFoundError, ArtefactError, ValueError):
            return _Progress.model_validate(json.loads(self._store.get(CHECKED)[0])).after
        return ""

    def _close(self, record: DamageRecord, shards: Shards | None) -> bool:
        """Close the record of an object that is whole again; returns whether it is."""
        try:
            if record.key.startswith(OPEN_DAMAGES):  # the record itself is damaged
                quarantine.set_aside_record(self._store, record)
                return True
            if not self._is_whole(record, shards):
                return False
        except ReviewlensError as error:
            log.warning("%s cannot be checked now: %s", record.key, error.message)
            return False
        quarantine.heal(self._store, record)
        return True

    def _is_whole(self, record: DamageRecord, shards: Shards | None) -> bool:
        if record.bucket != self._store.bucket or record.key.startswith(EMBEDDINGS):
            return shards is not None and shards.is_whole(record)
        return self._versions.is_whole(record)
