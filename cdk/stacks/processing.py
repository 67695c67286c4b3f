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
        self._operations, self._network = operations, network
        self._storage, self._database = storage, database
        self.processing = self._create_processing()
        self.scorer = self._create_scorer()
        self.checker = self._create_checker()
        self.builder = self._create_builder(operations, storage)

    def _create_processing(self) -> ServiceFunction:
        workers = self._operations.environment.processing_workers
        processing = self._create_function(
            "Processing",
            event_bus=self._operations.environment.event_bus,
            description="Encodes clean shards: embeddings and sentiment in one pass",
            grants=[
                *_read_and_set_aside_shards(self._storage, self._database),
                grants.read_objects(self._storage.artefacts, "models/", "pointers/", _QUARANTINE),
                grants.write_objects(self._storage.artefacts, "embeddings/", _QUARANTINE),
                grants.send_messages(self.indexing.queue),
                *event_grants(self, self._operations),
            ],
            reserved=workers + self._operations.environment.spare_concurrency,
        )
        processing.consume(self.shards, batch_size=1, max_concurrency=workers)
        return processing

    def _create_scorer(self) -> ServiceFunction:
        """Scores stored shards with a new model, beside the processing of new ones."""
        return self._create_function(
            "Scorer",
            description="Scores stored reviews with a new model, before that is current",
            grants=[
                *self._database.grants,
                grants.list_bucket(self._storage.clean),
                grants.read_objects(self._storage.clean, "reviews/"),
                grants.put_objects(self._storage.clean, MODEL_PLANS),
                grants.list_bucket(self._storage.artefacts),
                grants.read_objects(self._storage.artefacts, "embeddings/", "models/"),
                grants.write_objects(self._storage.artefacts, "embeddings/"),
                grants.encrypt(self._storage.key),
            ],
            reserved=self._operations.environment.processing_workers,
        )

    def _create_checker(self) -> ServiceFunction:
        """The scheduled check of stored objects, which may repair all of them."""
        permanent = ("activations/", "embeddings/", "indexes/", "models/", "pointers/")
        checker = self._create_function(
            "Checker",
            description="Checks stored objects, and has damaged ones rebuilt",
            grants=[
                *_read_and_set_aside_shards(self._storage, self._database),
                grants.read_objects(self._storage.artefacts, *permanent, _QUARANTINE),
                grants.write_objects(
                    self._storage.artefacts, "activations/", "models/", "pointers/", _QUARANTINE
                ),
                grants.delete_objects(
                    self._storage.artefacts,
                    *("activations/", "embeddings/", "indexes/", "models/", f"{_QUARANTINE}open/"),
                ),
                grants.send_messages(self.shards.queue),
                grants.send_messages(self.indexing.queue),
            ],
            ephemeral_mb=512,
            reserved=1,
        )
        checker.function.configure_async_invoke(
            retry_attempts=1, max_event_age=Duration.minutes(30)
        )
        events.Rule(
            self,
            "Check",
            description="Starts the check of stored objects",
            schedule=events.Schedule.rate(
                Duration.minutes(self._operations.environment.sweep_minutes)
            ),
            targets=[
                targets.LambdaFunction(
                    checker.function, retry_attempts=0, max_event_age=Duration.minutes(1)
                )
            ],
        )
        return checker

    def _create_function(
        self,
        name: str,
        *,
        description: str,
        grants: list[Grant],
        reserved: int,
        ephemeral_mb: int = 1024,
        event_bus: str = "",
    ) -> ServiceFunction:
        """A function with the code of processing, which connects to PostgreSQL."""
        storage = self._storage
        return ServiceFunction(
            self,
            name,
            operations=self._operations,
            asset="processing",
            settings=ProcessingSettings,
            values={
                **self._database.values,
                "clean_bucket": storage.clean.bucket_name,
                "artefact_bucket": storage.artefacts.bucket_name,
                "processing_queue_url": self.shards.queue.queue_url,
                "index_queue_url": self.indexing.queue.queue_url,
                **({"event_bus": event_bus} if event_bus else {}),
            },
            description=description,
            grants=grants,
            memory_mb=MAX_MEMORY_MB,
            ephemeral_mb=ephemeral_mb,
            reserved=reserved,
            network=self._network,
        )

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
