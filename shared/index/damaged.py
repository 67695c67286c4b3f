"""Damaged shards in an index build: they are set aside, and their reviews stay searchable.

Part of the write side: this module loads pyarrow, which the read path must not.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.errors import UnavailableError
from shared.schemas.damage import Damage
from shared.storage import quarantine
from shared.storage.layout import embeddings_prefix
from shared.storage.objects import ObjectStore
from shared.storage.pairs import shard_of
from shared.storage.verify import check_pair

log = logging.getLogger(__name__)
_MAX_WAIT = timedelta(hours=1)
"""A build waits this long for the repair of a shard that the current index holds."""
EMBED_AGAIN = "its reviews are embedded again from the clean shard"


@dataclass(slots=True)
class RepairWait:
    """Decides whether a build may publish although shards are damaged.

    ``indexed`` are the shards in the current index of the same model. Until such a shard is
    repaired, the current index answers: a build without it would remove its reviews from searches.
    """

    store: ObjectStore
    model_version: str
    dimension: int
    indexed: frozenset[str] = frozenset()
    is_waiting: bool = False

    def may_publish(self, included: Iterable[str], skipped: Iterable[str]) -> bool:
        """Set damaged shards aside, and return whether no shard under repair would be lost.

        Args:
            included: stems of the shards that the build includes.
            skipped: stems of the shards that it skips.
        """
        lost = self.indexed - {self._shard(stem) for stem in included}
        try:
            for stem in skipped:
                self._set_aside(stem, is_indexed=self._shard(stem) in lost)
            self.is_waiting = bool(lost) and bool(lost & self._under_repair())
        except UnavailableError as error:
            log.warning("damaged shards cannot be set aside now: %s", error.message)
            self.is_waiting = bool(lost)
        return not self.is_waiting

    def _set_aside(self, stem: str, *, is_indexed: bool) -> None:
        damages = check_pair(self.store, stem, dimension=self.dimension)
        is_half = any(damage.problem == "missing" for damage in damages)
        # a shard that is not indexed yet may be half written, and one without halves is deleted
        if len(damages) == 2 and all(damage.problem == "missing" for damage in damages):
            return
        for damage in damages:
            if not is_half or is_indexed:
                set_aside(self.store, damage)

    def _under_repair(self) -> set[str]:
        since = datetime.now(UTC) - _MAX_WAIT
        prefix = embeddings_prefix(self.model_version)
        return {
            self._shard(record.key.rpartition(".")[0])
            for record in quarantine.open_records(self.store)
            if record.key.startswith(prefix) and record.found_at > since
        }

    def _shard(self, stem: str) -> str:
        return shard_of(stem, self.model_version)


def set_aside(store: ObjectStore, damage: Damage) -> None:
    """Set one half of a pair aside; a missing one is only recorded."""
    if damage.problem == "missing":
        quarantine.record(store, damage, EMBED_AGAIN)
    else:
        quarantine.set_aside(store, store, damage, EMBED_AGAIN)
