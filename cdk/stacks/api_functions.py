"""The functions behind the API, one for each service."""

from collections.abc import Mapping, Sequence
from typing import Any

from constructs import Construct

from cdk.constructs import grants
from cdk.constructs.function import MOST_MEMORY_MB
from cdk.constructs.grants import Grant
from cdk.constructs.http_function import HttpFunction, Releases
from cdk.constructs.network import Network
from cdk.constructs.operations import Operations
from cdk.stacks.collection import CollectionStack
from cdk.stacks.database import DatabaseStack
from cdk.stacks.processing import ProcessingStack
from cdk.stacks.storage import WEB_UPLOADS, StorageStack
from lambdas.collection.settings import CollectionSettings
from lambdas.inference.settings import InferenceSettings
from lambdas.insights.settings import InsightsSettings
from lambdas.processing.settings import ProcessingSettings
from lambdas.retrieval.settings import RetrievalSettings
from lambdas.training.settings import TrainingSettings

_INDEX_DISK_MB = 8192
"""An index, and the one that follows it."""


class ApiFunctions:
    """Makes them in a stack; each has the rights of what its routes do, and no others."""

    def __init__(
        self,
        scope: Construct,
        *,
        operations: Operations,
        network: Network,
        storage: StorageStack,
        database: DatabaseStack,
        processing: ProcessingStack,
    ) -> None:
        self._scope = scope
        self._environment = operations.environment
        self._storage = storage
        self._database = database
        self._processing = processing
        self._parts: dict[str, Any] = {
            "operations": operations,
            "releases": Releases(scope, "Releases", operations=operations),
        }
        # more at once would cost the database connections that collection and processing need
        workers = self._environment.api_workers
        self._inside: dict[str, Any] = {"network": network, "reserved": workers}

    def inference(self) -> HttpFunction:
        """Sentiment of texts; outside of the VPC."""
        return HttpFunction(
            self._scope,
            "Inference",
            asset="inference",
            settings=InferenceSettings,
            values={"artefact_bucket": self._storage.artefacts.bucket_name},
            description="Sentiment of texts, from model and index in S3",
            grants=_serving(self._storage),
            memory_mb=MOST_MEMORY_MB,
            ephemeral_mb=_INDEX_DISK_MB,
            provisioned=self._environment.provisioned_concurrency,
            **self._parts,
        )

    def retrieval(self) -> HttpFunction:
        """Similar reviews, and requests for index builds; outside of the VPC."""
        queue = self._processing.indexing.queue
        return HttpFunction(
            self._scope,
            "Retrieval",
            asset="retrieval",
            settings=RetrievalSettings,
            values={
                "artefact_bucket": self._storage.artefacts.bucket_name,
                "index_queue_url": queue.queue_url,
            },
            description="Similar reviews, from model and index in S3; asks for index builds",
            grants=[*_serving(self._storage), grants.send_to(queue)],
            memory_mb=MOST_MEMORY_MB,
            ephemeral_mb=_INDEX_DISK_MB,
            **self._parts,
        )

    def insights(self) -> HttpFunction:
        """Figures, products and reviews."""
        return HttpFunction(
            self._scope,
            "Insights",
            asset="insights",
            settings=InsightsSettings,
            values=self._database.request_values,
            description="Figures, products and reviews, from PostgreSQL",
            grants=self._database.grants,
            **self._inside,
            **self._parts,
        )

    def collection(self, collection: CollectionStack) -> HttpFunction:
        """Requests of collection; its dumps are read by the worker."""
        return HttpFunction(
            self._scope,
            "Collection",
            asset="collection",
            settings=CollectionSettings,
            values={**collection.values, **self._database.request_values},
            description="Signs uploads, queues dumps on request, and tells of ingests",
            grants=[
                *self._database.grants,
                grants.read_secret(collection.reviewer_key),
                # whoever has a signed upload puts with the rights of this function
                grants.encrypt(self._storage.key),
                grants.put_objects(self._storage.raw, WEB_UPLOADS),
                grants.list_bucket(self._storage.raw),
                grants.send_to(self._storage.arrivals.queue),
            ],
            **self._inside,
            **self._parts,
        )

    def processing(self) -> HttpFunction:
        """Requests of processing; its shards are encoded by the worker."""
        shards, indexing = self._processing.shards.queue, self._processing.indexing.queue
        return HttpFunction(
            self._scope,
            "Processing",
            asset="processing",
            settings=ProcessingSettings,
            values={
                **self._database.request_values,
                "clean_bucket": self._storage.clean.bucket_name,
                "artefact_bucket": self._storage.artefacts.bucket_name,
                "processing_queue_url": shards.queue_url,
                "index_queue_url": indexing.queue_url,
            },
            description="Queues shards on request, and embeds texts",
            grants=[
                *self._database.grants,
                *_reading(self._storage, "models/", "pointers/"),
                grants.send_to(shards),
                grants.send_to(indexing),
            ],
            memory_mb=MOST_MEMORY_MB,
            ephemeral_mb=1024,
            **self._inside,
            **self._parts,
        )

    def training(self, values: Mapping[str, Any], allowed: Sequence[Grant]) -> HttpFunction:
        """Requests of training, with what its jobs are made of."""
        return HttpFunction(
            self._scope,
            "Training",
            asset="training",
            settings=TrainingSettings,
            values={**self._database.request_values, **values},
            description="Starts training jobs, and tells of them",
            grants=[*self._database.grants, *allowed],
            **self._inside,
            **self._parts,
        )


def _serving(storage: StorageStack) -> list[Grant]:
    return _reading(storage, "pointers/", "models/", "indexes/")


def _reading(storage: StorageStack, *prefixes: str) -> list[Grant]:
    return [
        grants.list_bucket(storage.artefacts),
        grants.read_objects(storage.artefacts, *prefixes),
        grants.decrypt(storage.key),
    ]
