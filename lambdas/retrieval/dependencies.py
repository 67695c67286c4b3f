"""Dependencies of retrieval."""

from dataclasses import dataclass
from functools import cache

from lambdas.retrieval.settings import RetrievalSettings
from shared.observability.logs import configure_logging
from shared.serving.query_pictures import Pictures
from shared.serving.state import ServingState
from shared.storage.objects import ObjectStore
from shared.storage.queues import MessageQueue


@dataclass(frozen=True)
class Dependencies:
    """Adapters of the retrieval service.

    ``pictures`` reads pictures and gives them vectors; None if there is no picture model.
    """

    state: ServingState
    artefacts: ObjectStore
    index_queue: MessageQueue
    pictures: Pictures | None = None


@cache
def build_dependencies() -> Dependencies:
    """Build the S3, SQS, ONNX Runtime and FAISS adapters once per process, from the environment."""
    from shared.serving.assembly import picture_model, serving_state
    from shared.storage.clients import client
    from shared.storage.objects import S3Store
    from shared.storage.queues import SqsQueue

    settings = RetrievalSettings()
    configure_logging("retrieval", settings.log_level)
    return Dependencies(
        state=serving_state(settings),
        artefacts=S3Store(client("s3"), settings.artefact_bucket),
        index_queue=SqsQueue(client("sqs"), settings.index_queue_url),
        pictures=picture_model(settings),
    )
