"""Activation on the real database, with buckets, queues and encoders in memory."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from lambdas.processing.dependencies import Model
from lambdas.processing.service import Processor
from sagemaker_jobs.activate.dependencies import ActivationDependencies
from shared.index.build import build_index
from shared.schemas.messages import ProcessShard
from shared.storage import artefacts, layout
from tests.corpus import publish_manifest_only
from tests.fakes.dependencies import processing_dependencies
from tests.fakes.encoder import WordEncoder
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue
from tests.ingests import store_shard

DIMENSION = 8


class VersionEncoder(WordEncoder):
    """Each version has other embeddings: vectors are rotated by the version's number."""

    def __init__(self, version):
        super().__init__(DIMENSION)
        self.version = version
        self.before = lambda: None

    def encode(self, texts):
        self.before()
        encoded = super().encode(texts)
        rotated = np.roll(encoded.embeddings, int(self.version[1:]), axis=1)
        return encoded._replace(embeddings=rotated)


@dataclass(frozen=True)
class ReviewSystem(ActivationDependencies):
    """Activation dependencies, with collection and processing beside them."""

    encoders: dict = field(default_factory=dict)
    index_queue: MemoryQueue = field(default_factory=MemoryQueue)

    @classmethod
    def in_memory(cls, database, cache_dir, **fields):
        return cls(
            database=database,
            clean=MemoryStore("clean"),
            artefacts=MemoryStore("artefacts"),
            processing_queue=MemoryQueue(),
            cache_dir=cache_dir,
            refresh_seconds=0.0,
            **fields,
        )

    def open_model(self, version):
        return self.encoders.setdefault(version, VersionEncoder(version))

    def publish(self, version):
        """Publish a model without moving the pointer."""
        publish_manifest_only(MemoryStore(), version, DIMENSION)
        other = MemoryStore()
        publish_manifest_only(other, version, DIMENSION)
        key = layout.version_prefix("model", version) + "manifest.json"
        self.artefacts.put(key, other.get(key)[0])

    def processing(self, version=None):
        """Dependencies of processing with the current model, or with ``version``."""

        def current():
            name = version or artefacts.current(self.artefacts, "model").version
            return Model(self.open_model(name), name)

        return processing_dependencies(
            self.database,
            current,
            clean=self.clean,
            artefacts=self.artefacts,
            processing_queue=self.processing_queue,
            index_queue=self.index_queue,
        )

    @property
    def ledger(self):
        from shared.db.ingest.ledger import Ledger

        return Ledger(self.database)

    def collect(self, key, *, shards=2, rows=4):
        """Store an ingest as collection does; returns its messages."""
        ingest_id = self.ledger.receive("raw", key, "etag")
        self.ledger.start(ingest_id)
        messages = [self.store(ingest_id, key, part, rows) for part in range(shards)]
        self.ledger.finish(ingest_id)
        return messages

    def store(self, ingest_id, key, part, rows, words="lovely thing"):
        reviews = [
            {
                "review_id": f"{key}:{part}:{n}",
                "record": part * rows + n + 1,
                "source": "test",
                "text": f"{words} {key} {part} {n}",
                "rating": 4.0,
            }
            for n in range(rows)
        ]
        return store_shard(
            self.database, self.clean, ingest_id, part, reviews, fingerprint=f"{words}{part}"
        )

    def process(self, messages, version=None):
        for message in messages:
            Processor(self.processing(version)).process(message)

    def process_queue(self):
        """Process all queued shards, then build an index."""
        bodies = self.processing_queue.take()
        self.process([ProcessShard.model_validate_json(body) for body in bodies])
        return build_index(self.artefacts)

    def current(self):
        """(current model, model of the current index, number of its reviews)."""
        model = artefacts.current(self.artefacts, "model").version
        pointer = artefacts.current(self.artefacts, "index")
        index = artefacts.read_manifest(self.artefacts, "index", pointer.version)
        return model, index.model_version, index.count


@pytest.fixture
def system(database, tmp_path):
    """Model v1 is current and has eight reviews embedded and indexed; v2, v3 are candidates."""
    system = ReviewSystem.in_memory(database, tmp_path)
    publish_manifest_only(system.artefacts, "v1", DIMENSION)
    system.publish("v2")
    system.publish("v3")
    system.process(system.collect("first"))
    build_index(system.artefacts)
    system.processing_queue.take()
    return system
