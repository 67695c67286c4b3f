"""Dependencies of the function that fetches the pictures of reviews."""

from functools import cache, partial

from lambdas.review_pictures.rate import HostRate
from lambdas.review_pictures.service import Embedder, PictureWorker
from lambdas.review_pictures.settings import PictureWorkerSettings
from shared.errors import PictureError
from shared.observability.logs import configure_logging
from shared.serving.query_pictures import Pictures
from shared.serving.state import ServingState

_NO_MODEL = "no picture model is configured"


@cache
def build_worker() -> PictureWorker:
    """Build the worker once per process, from the environment."""
    from shared.serving.assembly import picture_model, serving_state
    from shared.serving.pictures import InvokedPictureReader
    from shared.storage.clients import client, function_client
    from shared.storage.objects import S3Store
    from shared.storage.queues import SqsQueue

    settings = PictureWorkerSettings()
    configure_logging("review_pictures", settings.log_level)
    return PictureWorker(
        artefacts=S3Store(client("s3"), settings.artefact_bucket),
        reports=SqsQueue(client("sqs"), settings.collection_queue_url),
        reader=InvokedPictureReader(function_client, settings.image_fetch_function),
        embedder=partial(_embedder, serving_state(settings), picture_model(settings)),
        hosts=settings.picture_hosts,
        rate=HostRate(settings.picture_rate / settings.picture_fetchers),
    )


def _embedder(state: ServingState, pictures: Pictures | None) -> Embedder:
    if pictures is None:
        raise PictureError("picture_unavailable", _NO_MODEL)
    text = state.snapshot().encoder
    return Embedder(text.version, pictures.encode_beside(text))
