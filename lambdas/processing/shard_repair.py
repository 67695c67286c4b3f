"""Repairs shards: a clean shard from its dump, a pair of shards from its clean shard."""

from collections.abc import Sequence
from dataclasses import dataclass

from lambdas.processing.dependencies import Dependencies
from shared.db.ingest.repair import LedgerShard, ledger_shards, lock_shard, request_rereading
from shared.db.ingest.shards import process_lock
from shared.schemas.damage import Damage
from shared.storage import quarantine
from shared.storage.layout import CLEAN_SHARDS, embeddings_prefix, pair_stem
from shared.storage.verify import check_clean_shard, check_pair

_READ_AGAIN = "its dump is read again"
_DUMP_LOST = "it cannot be rebuilt, because its dump is lost too: upload the dump again"
_EMBED_AGAIN = "its reviews are embedded again from the clean shard"


def repair_clean_shard(dependencies: Dependencies, ingest_id: str, part: int) -> bool:
    """Set a clean shard aside and have its dump read again, if the shard is damaged.

    Its row in the ledger is locked: collection overwrites a shard while it holds that lock.

    Returns:
        Whether it is damaged.
    """
    with dependencies.database.transaction() as connection:
        shard = lock_shard(connection, ingest_id, part)
        damage = shard and check_clean_shard(dependencies.clean, shard.key, shard.rows)
        if not damage:
            return False
        action = _READ_AGAIN if request_rereading(connection, ingest_id) else _DUMP_LOST
        quarantine.set_aside(dependencies.artefacts, dependencies.clean, damage, action)
    return True


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards of the ledger, and the current model that must have embedded them."""

    dependencies: Dependencies
    shards: Sequence[LedgerShard]
    model: str
    dimension: int

    @classmethod
    def load(cls, dependencies: Dependencies, model: str, dimension: int) -> "Shards":
        """Read the ledger."""
        with dependencies.database.transaction() as connection:
            shards = ledger_shards(connection)
        return cls(dependencies, shards, model, dimension)

    def stem(self, shard: LedgerShard) -> str:
        """Common key of the pair of the current model."""
        return pair_stem(self.model, shard.ingest_id, shard.part)

    def repair_missing(self) -> None:
        """Repair the shards that the ledger lists and the buckets lack."""
        clean = {info.key for info in self.dependencies.clean.list(CLEAN_SHARDS)}
        store = self.dependencies.artefacts
        pairs = {info.key for info in store.list(embeddings_prefix(self.model))}
        for shard in self.shards:
            if shard.key not in clean:
                repair_clean_shard(self.dependencies, shard.ingest_id, shard.part)
            keys = [f"{self.stem(shard)}{ending}" for ending in (".npy", ".parquet")]
            if shard.model_version == self.model and not set(keys) <= pairs:
                self.repair_pair(shard)

    def check(self, shard: LedgerShard) -> None:
        """Read a clean shard and its pair, and repair what is damaged."""
        if check_clean_shard(self.dependencies.clean, shard.key, shard.rows) is not None:
            repair_clean_shard(self.dependencies, shard.ingest_id, shard.part)
        if shard.model_version == self.model and self._pair_damage(shard):
            self.repair_pair(shard)

    def repair_pair(self, shard: LedgerShard) -> None:
        """Set the damaged half of a pair aside, and have the shard processed again.

        The ledger is read again: the object may have been read with another mapping since.
        """
        lock, store = process_lock(shard.ingest_id, shard.part), self.dependencies.artefacts
        with self.dependencies.database.lock(lock) as acquired:
            current = self._read_again(shard) if acquired else None
            if current is None or current.model_version != self.model:
                return
            damages = self._pair_damage(current)
            for damage in damages:
                quarantine.set_aside(store, store, damage, _EMBED_AGAIN)
        if damages:
            self.dependencies.processing_queue.send([current.message])

    def _read_again(self, shard: LedgerShard) -> LedgerShard | None:
        with self.dependencies.database.transaction() as connection:
            return lock_shard(connection, shard.ingest_id, shard.part)

    def _pair_damage(self, shard: LedgerShard) -> list[Damage]:
        return check_pair(
            self.dependencies.artefacts,
            self.stem(shard),
            dimension=self.dimension,
            rows=shard.rows,
        )

    def is_whole(self, record: Damage) -> bool:
        """Whether a shard that was damaged is whole again, or not in the ledger any more."""
        for shard in self.shards:
            is_clean = (record.bucket, record.key) == (self.dependencies.clean.bucket, shard.key)
            if is_clean or record.key.rpartition(".")[0] == self.stem(shard):
                current = self._read_again(shard)
                if current is None:
                    return True
                if is_clean:
                    clean = self.dependencies.clean
                    return check_clean_shard(clean, current.key, current.rows) is None
                return not self._pair_damage(current)
        return True
