"""Lists the shards that a model has embedded: pairs of an embedding and an analysis shard."""

from dataclasses import dataclass

from shared.storage import forgotten
from shared.storage.layout import embeddings_prefix, pair_name
from shared.storage.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class ShardPair:
    """An embedding shard and its analysis shard, as listed."""

    stem: str
    embedding_etag: str
    analysis_etag: str

    @property
    def name(self) -> str:
        """Identity of the pair and of its content."""
        return pair_name(self.stem, self.embedding_etag, self.analysis_etag)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A shard that an index skips, and why."""

    stem: str
    reason: str


def list_pairs(store: ObjectStore, model_version: str) -> tuple[list[ShardPair], list[Skipped]]:
    """All pairs of a model version in key order, and the shards without a counterpart.

    Shards of uploads that are undone are left out.
    """
    etags: dict[str, dict[str, str]] = {}
    undone = forgotten.marked(store)
    for info in store.list(embeddings_prefix(model_version)):
        stem, dot, ending = info.key.rpartition(".")
        if dot and ending in {"npy", "parquet"} and forgotten.ingest_of(info.key) not in undone:
            etags.setdefault(stem, {})[ending] = info.etag
    pairs, skipped = [], []
    for stem, halves in sorted(etags.items()):
        if len(halves) == 2:
            pairs.append(ShardPair(stem, halves["npy"], halves["parquet"]))
        else:
            missing = "analysis" if "npy" in halves else "embedding"
            skipped.append(Skipped(stem, f"has no {missing} shard (yet)"))
    return pairs, skipped


def shard_of(pair_name: str, model_version: str) -> str:
    """The shard that a pair embeds, without its model: ``<ingest>/part-<n>``."""
    return pair_name.partition(":")[0].removeprefix(embeddings_prefix(model_version))
