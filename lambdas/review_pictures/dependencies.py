"""Dependencies of the function that fetches the pictures of reviews."""

from functools import cache

from lambdas.review_pictures.embedder import CurrentEmbedder
from lambdas.review_pictures.rate import HostRate
from lambdas.review_pictures.service import PictureWorker
from lambdas.review_pictures.settings import PictureWorkerSettings
from shared.observability.logs import configure_logging


@cache
def build_worker() -> PictureWorker:
    """Build the worker once per process, from the environment."""
    from shared.serving.assembly import picture_model
    from shared.serving.pictures import InvokedPictureReader
    from shared.storage.clients import client, function_client
    from shared.storage.objects import S3Store
    from shared.storage.queues import SqsQueue

    settings = PictureWorkerSettings()
    configure_logging("review_pictures", settings.log_level)
    store = S3Store(client("s3"), settings.artefact_bucket)
    return PictureWorker(
        artefacts=store,
        reports=SqsQueue(client("sqs"), settings.collection_queue_url),
        reader=InvokedPictureReader(function_client, settings.image_fetch_function),
        embedder=CurrentEmbedder(store, settings.cache_dir, picture_model(settings)).open,
        hosts=settings.picture_hosts,
        rate=HostRate(settings.picture_rate / settings.picture_fetchers),
    )
