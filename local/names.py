"""Names of the AWS resources and folders of the local stack."""

from dataclasses import dataclass
from pathlib import Path

from shared.schemas.messages import MAX_RECEIVES

REGION = "us-east-1"
RAW_BUCKET = "reviewlens-raw"
CLEAN_BUCKET = "reviewlens-clean"
ARTEFACT_BUCKET = "reviewlens-artefacts"
BUCKETS = (RAW_BUCKET, CLEAN_BUCKET, ARTEFACT_BUCKET)
DATABASE_SECRET = "reviewlens/database"  # noqa: S105 - the name of a secret
REVIEWER_KEY_SECRET = "reviewlens/reviewer-key"  # noqa: S105 - the name of a secret
IMAGE_FETCH_FUNCTION = "reviewlens-image-fetch"
IMAGE_FETCH_SECONDS = 10.0
"""Time limit of that function, as on AWS."""

FUNCTION_TIMEOUT_SECONDS = 900
"""Time limit of a function, which is also Lambda's maximum."""


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """One queue and its function, configured as the infrastructure code configures them.

    ``visibility_seconds`` is six times the function's time limit, as AWS recommends; ``function``
    is the module whose ``handler`` is called. ``consumers`` call it at the same time; after a
    batch, each rests as long as the batch took, up to ``max_rest_seconds``.
    """

    name: str
    function: str
    batch_size: int
    window_seconds: float
    consumers: int = 1
    max_rest_seconds: float = 0.0
    needs_database: bool = True
    visibility_seconds: int = 6 * FUNCTION_TIMEOUT_SECONDS
    max_receive_count: int = MAX_RECEIVES

    @property
    def queue(self) -> str:
        """Name of the queue."""
        return f"reviewlens-{self.name}"

    @property
    def dead_letter_queue(self) -> str:
        """Name of the queue for messages that failed too often."""
        return f"{self.queue}-dlq"


QUEUES = (
    QueuePlan("collection", "lambdas.collection.handler", 1, 0.0, consumers=2),
    QueuePlan("processing", "lambdas.processing.handler", 1, 0.0, consumers=2),
    # one build for all small dumps that arrive meanwhile, and half of the time for other work
    QueuePlan(
        *("index", "lambdas.retrieval.handler", 1000, 0.2),
        max_rest_seconds=60.0,
        needs_database=False,
    ),
    # one, so that it keeps to the rate of a host
    QueuePlan("pictures", "lambdas.review_pictures.handler", 1, 0.0, needs_database=False),
)


def training_folder(cache: Path) -> Path:
    """The folder of all training runs, beside the cache of the state folder."""
    return cache.with_name("training")


def queue_url(endpoint: str, queue: str) -> str:
    """URL at which moto serves a queue."""
    return f"{endpoint}/123456789012/{queue}"
