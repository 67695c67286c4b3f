"""Processing: shards are encoded, and an index is built from the embeddings."""

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from cdk.constructs import grants
from cdk.constructs.function import MAX_MEMORY_MB, ServiceFunction
from cdk.constructs.grants import Grant
from cdk.constructs.network import Network
from cdk.constructs.operations import Operations
from cdk.constructs.queue import WorkQueue
from cdk.stacks.database import DatabaseStack
from cdk.stacks.storage import MODEL_PLANS, StorageStack
from lambdas.processing.settings import ProcessingSettings
from lambdas.retrieval.settings import RetrievalSettings

_QUARANTINE = "quarantine/"
_PICTURES_AGE_SECONDS = 24 * 3600
_BUILDERS = 2
"""The minimum of an event source; the conditional pointer update resolves races."""


def event_grants(stack: Stack, operations: Operations) -> list[Grant]:
    """What a worker needs to announce finished ingests, in an environment that does."""
    environment = operations.environment
    if not environment.event_bus:
        return []
    arn = stack.format_arn(
        service="events", resource="event-bus", resource_name=environment.event_bus
    )
    return [grants.put_events(arn, environment.name)]


def _read_and_set_aside_shards(storage: StorageStack, database: DatabaseStack) -> list[Grant]:
    """What every function needs that reads clean shards, and moves damaged ones to quarantine."""
    return [
        *database.grants,
        grants.list_bucket(storage.clean),
        grants.read_objects(storage.clean, "reviews/"),
        grants.write_objects(storage.clean, _QUARANTINE),
        grants.delete_objects(storage.clean, "reviews/"),
        grants.list_bucket(storage.artefacts),
        grants.encrypt(storage.key),
    ]


class ProcessingStack(Stack):
    """shards (queue) -> processing -> indexing (queue) -> builder, the retrieval image.

    The flow of a training invokes ``scorer``.

    Exports the queue ``pictures``, whose worker is beside the function that fetches them.
    """

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
        # the rate of a host makes the pictures of a large upload wait for hours
        self.pictures = WorkQueue(
            self, "Pictures", operations=operations, max_age_seconds=_PICTURES_AGE_SECONDS
        )
        self.processing = self._create_processing(operations, network, storage, database)
        self.scorer = self._create_scorer(operations, network, storage, database)
        self.checker = self._create_checker(operations, network, storage, database)
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
                **self._values(storage, database),
                "event_bus": operations.environment.event_bus,
            },
            description="Encodes clean shards: embeddings and sentiment in one pass",
            grants=[
                *_read_and_set_aside_shards(storage, database),
                grants.read_objects(storage.artefacts, "models/", "pointers/", _QUARANTINE),
                grants.write_objects(storage.artefacts, "embeddings/", _QUARANTINE),
                grants.send_messages(self.indexing.queue),
                *event_grants(self, operations),
            ],
            memory_mb=MAX_MEMORY_MB,
            ephemeral_mb=1024,
            reserved=workers + operations.environment.spare_concurrency,
            network=network,
        )
        processing.consume(self.shards, batch_size=1, max_concurrency=workers)
        return processing

    def _create_scorer(
        self,
        operations: Operations,
        network: Network,
        storage: StorageStack,
        database: DatabaseStack,
    ) -> ServiceFunction:
        """Scores stored shards with a new model, beside the processing of new ones."""
        return ServiceFunction(
            self,
            "Scorer",
            operations=operations,
            asset="processing",
            settings=ProcessingSettings,
            values=self._values(storage, database),
            description="Scores stored reviews with a new model, before that is current",
            grants=[
                *database.grants,
                grants.list_bucket(storage.clean),
                grants.read_objects(storage.clean, "reviews/"),
                grants.put_objects(storage.clean, MODEL_PLANS),
                grants.list_bucket(storage.artefacts),
                grants.read_objects(storage.artefacts, "embeddings/", "models/"),
                grants.write_objects(storage.artefacts, "embeddings/"),
                grants.encrypt(storage.key),
            ],
            memory_mb=MAX_MEMORY_MB,
            ephemeral_mb=1024,
            reserved=operations.environment.processing_workers,
            network=network,
        )

    def _create_checker(
        self,
        operations: Operations,
        network: Network,
        storage: StorageStack,
        database: DatabaseStack,
    ) -> ServiceFunction:
        """The scheduled check of stored objects, which may repair all of them."""
        permanent = ("activations/", "embeddings/", "indexes/", "models/", "pointers/")
        checker = ServiceFunction(
            self,
            "Checker",
            operations=operations,
            asset="processing",
            settings=ProcessingSettings,
            values=self._values(storage, database),
            description="Checks stored objects, and has damaged ones rebuilt",
            grants=[
                *_read_and_set_aside_shards(storage, database),
                grants.read_objects(storage.artefacts, *permanent, _QUARANTINE),
                grants.write_objects(
                    storage.artefacts, "activations/", "models/", "pointers/", _QUARANTINE
                ),
                grants.delete_objects(
                    storage.artefacts,
                    *("activations/", "embeddings/", "indexes/", "models/", f"{_QUARANTINE}open/"),
                ),
                grants.send_messages(self.shards.queue),
                grants.send_messages(self.indexing.queue),
            ],
            memory_mb=MAX_MEMORY_MB,
            reserved=1,
            network=network,
        )
        checker.function.configure_async_invoke(
            retry_attempts=1, max_event_age=Duration.minutes(30)
        )
        events.Rule(
            self,
            "Check",
            description="Starts the check of stored objects",
            schedule=events.Schedule.rate(Duration.minutes(operations.environment.sweep_minutes)),
            targets=[
                targets.LambdaFunction(
                    checker.function, retry_attempts=0, max_event_age=Duration.minutes(1)
                )
            ],
        )
        return checker

    def _values(self, storage: StorageStack, database: DatabaseStack) -> dict[str, Any]:
        return {
            **database.values,
            "clean_bucket": storage.clean.bucket_name,
            "artefact_bucket": storage.artefacts.bucket_name,
            "processing_queue_url": self.shards.queue.queue_url,
            "index_queue_url": self.indexing.queue.queue_url,
        }

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
                    *("pictures/results/", "pictures/vectors/", _QUARANTINE),
                ),
                grants.write_objects(
                    storage.artefacts, "indexes/", "pointers/index.json", _QUARANTINE
                ),
                grants.delete_objects(storage.artefacts, "embeddings/", "indexes/"),
                # the last upload may be undone: then no index is current
                Grant(
                    ["s3:DeleteObject"],
                    [storage.artefacts.arn_for_objects("pointers/index.json")],
                ),
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
