"""The functions behind the API, one for each service."""

from collections.abc import Mapping, Sequence
from typing import Any

from constructs import Construct

from cdk.constructs import grants
from cdk.constructs.function import MAX_MEMORY_MB, ServiceFunction
from cdk.constructs.grants import Grant
from cdk.constructs.http_function import HttpFunction, Releases
from cdk.constructs.network import Network
from cdk.constructs.operations import Operations
from cdk.packaging.table import PICTURE_MODEL
from cdk.stacks.collection import CollectionStack
from cdk.stacks.database import DatabaseStack
from cdk.stacks.processing import ProcessingStack
from cdk.stacks.storage import UPLOADS, WEB_UPLOADS, StorageStack
from lambdas.collection.settings import CollectionSettings
from lambdas.image_fetch.settings import ImageFetchSettings
from lambdas.inference.settings import InferenceSettings
from lambdas.insights.settings import InsightsSettings
from lambdas.processing.settings import ProcessingSettings
from lambdas.retrieval.settings import RetrievalSettings
from lambdas.review_pictures.settings import PictureWorkerSettings
from lambdas.training.settings import TrainingSettings

_FETCH_SECONDS = 10
"""5 s for a fetch; the rest is for decoding."""
_FETCH_MEMORY_MB = 1769
"""One core; a picture of 50 million pixels takes up to 1 GB."""
_PICTURE_MODEL_DIR = f"/var/task/{PICTURE_MODEL}"
_PICTURE_FETCHERS = 2
"""The minimum of an event source; each keeps to half of the rate of a host."""
SERVED = (
    *("pointers/", "models/", "indexes/", "activations/", "quarantine/open/", "pictures/files/"),
)
"""Prefixes of the artefact bucket that inference and retrieval read."""
_INDEX_DISK_MB = 8192
"""Space for the current index and for the next one."""


class ApiFunctions:
    """Creates the functions in a stack, each with only the permissions that its routes need."""

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
        self._common: dict[str, Any] = {
            "operations": operations,
            "releases": Releases(scope, "Releases", operations=operations),
        }
        # more concurrency would take connections that collection and processing need
        workers = self._environment.api_workers
        self._in_network: dict[str, Any] = {"network": network, "reserved": workers}

    def image_fetch(self) -> ServiceFunction:
        """Fetches pictures: outside the VPC, with no permission but for its logs."""
        return ServiceFunction(
            self._scope,
            "ImageFetch",
            operations=self._common["operations"],
            asset="image_fetch",
            settings=ImageFetchSettings,
            values={},
            description="Fetches and decodes pictures of callers",
            memory_mb=_FETCH_MEMORY_MB,
            timeout_seconds=_FETCH_SECONDS,
            reserved=self._environment.picture_workers,
            traced=False,
        )

    def review_pictures(self, image_fetch: ServiceFunction) -> ServiceFunction:
        """Fetches and embeds the pictures of reviews; outside the VPC."""
        worker = ServiceFunction(
            self._scope,
            "ReviewPictures",
            operations=self._common["operations"],
            asset="review_pictures",
            settings=PictureWorkerSettings,
            values={
                **self._serving_values(image_fetch),
                "collection_queue_url": self._storage.arrivals.queue.queue_url,
                "picture_hosts": self._environment.picture_hosts,
                "picture_rate": self._environment.picture_rate,
                "picture_fetchers": _PICTURE_FETCHERS,
            },
            description="Fetches and embeds the pictures of reviews",
            grants=[
                *_serving_grants(self._storage),
                grants.read_objects(self._storage.artefacts, "pictures/"),
                grants.write_objects(self._storage.artefacts, "pictures/"),
                grants.encrypt(self._storage.key),
                Grant(["lambda:InvokeFunction"], [image_fetch.function.function_arn]),
                grants.send_messages(self._storage.arrivals.queue),
            ],
            memory_mb=MAX_MEMORY_MB,
            ephemeral_mb=_INDEX_DISK_MB,
            reserved=_PICTURE_FETCHERS,
        )
        worker.consume(self._processing.pictures, batch_size=1, max_concurrency=_PICTURE_FETCHERS)
        return worker

    def inference(self, image_fetch: ServiceFunction) -> HttpFunction:
        """Sentiment of texts; outside the VPC."""
        return HttpFunction(
            self._scope,
            "Inference",
            asset="inference",
            settings=InferenceSettings,
            values=self._serving_values(image_fetch),
            description="Sentiment of texts, from model and index in S3",
            grants=[
                *_serving_grants(self._storage),
                Grant(["lambda:InvokeFunction"], [image_fetch.function.function_arn]),
            ],
            memory_mb=MAX_MEMORY_MB,
            ephemeral_mb=_INDEX_DISK_MB,
            provisioned=self._environment.provisioned_concurrency,
            **self._common,
        )

    def retrieval(self, image_fetch: ServiceFunction) -> HttpFunction:
        """Similar reviews, and requests for index builds; outside the VPC."""
        queue = self._processing.indexing.queue
        return HttpFunction(
            self._scope,
            "Retrieval",
            asset="retrieval",
            settings=RetrievalSettings,
            values={**self._serving_values(image_fetch), "index_queue_url": queue.queue_url},
            description="Similar reviews, from model and index in S3; requests index builds",
            grants=[
                *_serving_grants(self._storage),
                Grant(["lambda:InvokeFunction"], [image_fetch.function.function_arn]),
                grants.send_messages(queue),
            ],
            memory_mb=MAX_MEMORY_MB,
            ephemeral_mb=_INDEX_DISK_MB,
            **self._common,
        )

    def _serving_values(self, image_fetch: ServiceFunction) -> dict[str, str]:
        return {
            "artefact_bucket": self._storage.artefacts.bucket_name,
            "image_fetch_function": image_fetch.function.function_name,
            "picture_model_dir": _PICTURE_MODEL_DIR,
        }

    def insights(self) -> HttpFunction:
        """Trends, products and reviews."""
        return HttpFunction(
            self._scope,
            "Insights",
            asset="insights",
            settings=InsightsSettings,
            values=self._database.request_values,
            description="Trends, products and reviews, from PostgreSQL",
            grants=self._database.grants,
            **self._in_network,
            **self._common,
        )

    def collection(self, collection: CollectionStack) -> HttpFunction:
        """API of collection; the worker reads the dumps."""
        return HttpFunction(
            self._scope,
            "Collection",
            asset="collection",
            settings=CollectionSettings,
            values={**collection.values, **self._database.request_values},
            description="Signs uploads, queues dumps on request, and reports on ingests",
            grants=[
                *self._database.grants,
                grants.read_secret(collection.reviewer_key),
                # a signed upload has the permissions of this function
                grants.encrypt(self._storage.key),
                grants.put_objects(self._storage.raw, WEB_UPLOADS),
                # POST /collect stores a mapping beside its object
                grants.put_matching_objects(self._storage.raw, f"{UPLOADS}*.mapping.json"),
                grants.list_bucket(self._storage.raw),
                grants.send_messages(self._storage.arrivals.queue),
            ],
            **self._in_network,
            **self._common,
        )

    def processing(self) -> HttpFunction:
        """API of processing; the worker encodes the shards."""
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
            description="Queues shards on request",
            grants=[
                *self._database.grants,
                *_artefact_grants(self._storage, "models/", "pointers/"),
                grants.send_messages(shards),
                grants.send_messages(indexing),
            ],
            memory_mb=MAX_MEMORY_MB,
            ephemeral_mb=1024,
            **self._in_network,
            **self._common,
        )

    def training(self, values: Mapping[str, Any], job_grants: Sequence[Grant]) -> HttpFunction:
        """API of training, with the settings of its jobs."""
        return HttpFunction(
            self._scope,
            "Training",
            asset="training",
            settings=TrainingSettings,
            values={**self._database.request_values, **values},
            description="Starts training jobs and reports on them",
            grants=[*self._database.grants, *job_grants],
            **self._in_network,
            **self._common,
        )


def _serving_grants(storage: StorageStack) -> list[Grant]:
    return _artefact_grants(storage, *SERVED)


def _artefact_grants(storage: StorageStack, *prefixes: str) -> list[Grant]:
    return [
        grants.list_bucket(storage.artefacts),
        grants.read_objects(storage.artefacts, *prefixes),
        grants.decrypt(storage.key),
    ]
