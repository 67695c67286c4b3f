"""What retrieval works with; made once per process, when the first event comes."""

from dataclasses import dataclass
from functools import lru_cache

from lambdas.retrieval.settings import RetrievalSettings
from shared.serving.state import ServingState
from shared.storage.objects import ObjectStore
from shared.storage.queues import MessageQueue


@dataclass(frozen=True)
class Dependencies:
    """Ports of the retrieval service."""

    state: ServingState
    artefacts: ObjectStore
    index_queue: MessageQueue


@lru_cache(maxsize=1)
def build_dependencies(settings: RetrievalSettings) -> Dependencies:
    """Make the real adapters (S3, SQS, ONNX Runtime, FAISS)."""
    from shared.observability.logs import configure_logging
    from shared.serving.assembly import serving_state
    from shared.storage.clients import client
    from shared.storage.objects import S3Store
    from shared.storage.queues import SqsQueue

    configure_logging("retrieval", settings.log_level)
    return Dependencies(
        state=serving_state(settings),
        artefacts=S3Store(client("s3"), settings.artefact_bucket),
        index_queue=SqsQueue(client("sqs"), settings.index_queue_url),
    )
