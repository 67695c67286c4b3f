"""Processing: shards are encoded, and an index is built from the embeddings."""

from typing import Any

from aws_cdk import Stack
from constructs import Construct

from cdk.constructs import grants
from cdk.constructs.function import MAX_MEMORY_MB, ServiceFunction
from cdk.constructs.network import Network
from cdk.constructs.operations import Operations
from cdk.constructs.queue import WorkQueue
from cdk.stacks.database import DatabaseStack
from cdk.stacks.storage import StorageStack
from lambdas.processing.settings import ProcessingSettings
from lambdas.retrieval.settings import RetrievalSettings

_BUILDERS = 2
"""The minimum of an event source; the conditional pointer update resolves races."""


class ProcessingStack(Stack):
    """shards (queue) -> processing -> indexing (queue) -> builder, the retrieval image."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        network: Network,
        storage: StorageStack,
        database: DatabaseStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.shards = WorkQueue(self, "Shards", operations=operations)
        self.indexing = WorkQueue(self, "Indexing", operations=operations)
        self.processing = self._create_processing(operations, network, storage, database)
        self.builder = self._create_builder(operations, storage)

    def _create_processing(
        self,
        operations: Operations,
        network: Network,
        storage: StorageStack,
        database: DatabaseStack,
    ) -> ServiceFunction:
        workers = operations.environment.processing_workers
        processing = ServiceFunction(
            self,
            "Processing",
            operations=operations,
            asset="processing",
            settings=ProcessingSettings,
            values={
                **database.values,
                "clean_bucket": storage.clean.bucket_name,
                "artefact_bucket": storage.artefacts.bucket_name,
                "processing_queue_url": self.shards.queue.queue_url,
                "index_queue_url": self.indexing.queue.queue_url,
            },
            description="Encodes clean shards: embeddings and sentiment in one pass",
            grants=[
                *database.grants,
                grants.list_bucket(storage.clean),
                grants.read_objects(storage.clean, "reviews/"),
                grants.list_bucket(storage.artefacts),
                grants.read_objects(storage.artefacts, "models/", "pointers/"),
                grants.write_objects(storage.artefacts, "embeddings/"),
                grants.encrypt(storage.key),
                grants.send_messages(self.indexing.queue),
            ],
            memory_mb=MAX_MEMORY_MB,
            ephemeral_mb=1024,
            reserved=workers + operations.environment.spare_concurrency,
            network=network,
        )
        processing.consume(self.shards, batch_size=1, max_concurrency=workers)
        return processing

    def _create_builder(self, operations: Operations, storage: StorageStack) -> ServiceFunction:
        builder = ServiceFunction(
            self,
            "Builder",
            operations=operations,
            asset="retrieval",
            settings=RetrievalSettings,
            values={
                "artefact_bucket": storage.artefacts.bucket_name,
                "index_queue_url": self.indexing.queue.queue_url,
            },
            description="Builds the index from all embeddings and makes it current",
            grants=[
                grants.list_bucket(storage.artefacts),
                grants.read_objects(
                    storage.artefacts,
                    *("activations/", "embeddings/", "indexes/", "models/", "pointers/"),
                ),
                grants.write_objects(storage.artefacts, "indexes/", "pointers/index.json"),
                grants.delete_objects(storage.artefacts, "indexes/"),
                grants.encrypt(storage.key),
            ],
            memory_mb=MAX_MEMORY_MB,
            ephemeral_mb=8192,
            reserved=_BUILDERS,
        )
        # many small dumps that end together cause one build
        builder.consume(
            self.indexing, batch_size=1_000, max_concurrency=_BUILDERS, window_seconds=20
        )
        return builder
