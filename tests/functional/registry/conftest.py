"""A stage on the real database, with buckets, queues and encoders in memory."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from lambdas.processing.dependencies import Dependencies, Model
from lambdas.processing.service import Processor
from sagemaker_jobs.activate.activation import Stage
from shared.db.ingest.reviews import copy_rows, store_reviews
from shared.db.ingest.shards import StoredBatch, record_batch
from shared.index.build import build_index
from shared.schemas.messages import ProcessShard
from shared.storage import artefacts, layout
from shared.storage.shards import CLEAN_SCHEMA, to_parquet
from tests.corpus import publish_manifest_only
from tests.fakes.encoder import WordEncoder
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue

DIMENSION = 8


class VersionEncoder(WordEncoder):
    """Another version embeds otherwise: its vectors are turned by one place for each."""

    def __init__(self, version):
        super().__init__(DIMENSION)
        self.version = version
        self.before = lambda: None

    def encode(self, texts):
        self.before()
        found = super().encode(texts)
        turned = np.roll(found.embeddings, int(self.version[1:]), axis=1)
        return found._replace(embeddings=turned)


@dataclass(frozen=True)
class House(Stage):
    """A stage with what processing and collection do beside it."""

    encoders: dict = field(default_factory=dict)
    index_queue: MemoryQueue = field(default_factory=MemoryQueue)

    def open_model(self, version):
        return self.encoders.setdefault(version, VersionEncoder(version))

    def publish(self, version):
        """A published model that nothing points at."""
        publish_manifest_only(MemoryStore(), version, DIMENSION)
        other = MemoryStore()
        publish_manifest_only(other, version, DIMENSION)
        key = layout.version_prefix("model", version) + "manifest.json"
        self.artefacts.put(key, other.get(key)[0])

    def ports(self, version=None):
        """Processing with the current model, or with another one."""

        def current():
            name = version or artefacts.current(self.artefacts, "model").version
            return Model(self.open_model(name), name)

        return Dependencies(
            database=self.database,
            ledger=self.ledger,
            clean=self.clean,
            artefacts=self.artefacts,
            processing_queue=self.processing_queue,
            index_queue=self.index_queue,
            models=current,
        )

    @property
    def ledger(self):
        from shared.db.ingest.ledger import Ledger

        return Ledger(self.database)

    def collect(self, key, *, shards=2, rows=4):
        """Store an ingest as collection does; gives its messages."""
        ingest_id = self.ledger.receive("raw", key, "etag")
        self.ledger.start(ingest_id)
        messages = [self.store(ingest_id, key, part, rows) for part in range(shards)]
        self.ledger.finish(ingest_id)
        return messages

    def store(self, ingest_id, key, part, rows, words="lovely thing"):
        import pyarrow as pa

        made = [
            {
                "review_id": f"{key}:{part}:{n}",
                "record": part * rows + n + 1,
                "source": "test",
                "text": f"{words} {key} {part} {n}",
                "rating": 4.0,
            }
            for n in range(rows)
        ]
        table = pa.Table.from_pylist(made, schema=CLEAN_SCHEMA)
        place = layout.clean_shard(ingest_id, part)
        with self.database.transaction() as connection:
            store_reviews(connection, ingest_id, copy_rows(table))
            self.clean.put(place, to_parquet(table))
            batch = StoredBatch(part, f"{words}{part}", rows, 0, rows, place)
            record_batch(connection, ingest_id, batch)
        return ProcessShard(ingest_id=ingest_id, part=part, key=place, rows=rows)

    def process(self, messages, version=None):
        for message in messages:
            Processor(self.ports(version)).process(message)

    def work_off(self):
        """What processing and the index queue do with all that was sent."""
        bodies = self.processing_queue.take()
        self.process([ProcessShard.model_validate_json(body) for body in bodies])
        return build_index(self.artefacts)

    def current(self):
        """(model that is current, model of the index that is current, its reviews)."""
        model = artefacts.current(self.artefacts, "model").version
        pointer = artefacts.current(self.artefacts, "index")
        index = artefacts.read_manifest(self.artefacts, "index", pointer.version)
        return model, index.model_version, index.count


@pytest.fixture
def house(database, tmp_path):
    """Model v1 is current, and has embedded and indexed eight reviews; v2 is a candidate."""
    made = House(
        database=database,
        clean=MemoryStore("clean"),
        artefacts=MemoryStore("artefacts"),
        processing_queue=MemoryQueue(),
        cache_dir=tmp_path,
        refresh_seconds=0.0,
    )
    publish_manifest_only(made.artefacts, "v1", DIMENSION)
    made.publish("v2")
    made.publish("v3")
    made.process(made.collect("first"))
    build_index(made.artefacts)
    made.processing_queue.take()
    return made
