"""What promotion works with; made once per process, when the first event comes."""

from functools import lru_cache

from lambdas.promotion.jobs import Jobs
from lambdas.promotion.service import Dependencies
from lambdas.promotion.settings import PromotionSettings
from shared.db.access import open_database
from shared.db.training import TrainingRuns


@lru_cache(maxsize=1)
def build_dependencies(settings: PromotionSettings) -> Dependencies:
    """Make the real adapters (SageMaker, S3, PostgreSQL)."""
    from shared.observability.logs import configure_logging
    from shared.storage.clients import client
    from shared.storage.objects import S3Store

    configure_logging("promotion", settings.log_level)
    sagemaker = client("sagemaker")
    return Dependencies(
        jobs=Jobs(sagemaker),
        artefacts=S3Store(client("s3"), settings.artefact_bucket),
        runs=TrainingRuns(open_database(settings)),
        settings=settings,
        region=sagemaker.meta.region_name,
    )
