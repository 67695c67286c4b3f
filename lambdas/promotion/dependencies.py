"""Dependencies of promotion."""

from dataclasses import dataclass
from functools import cache

from lambdas.promotion.jobs import SageMakerJobs
from lambdas.promotion.settings import PromotionSettings
from shared.db.access import open_database
from shared.db.training import TrainingRuns
from shared.observability.logs import configure_logging
from shared.storage.objects import ObjectStore


@dataclass(frozen=True)
class Dependencies:
    """Adapters and settings of the promotion steps."""

    jobs: SageMakerJobs
    artefacts: ObjectStore
    runs: TrainingRuns
    settings: PromotionSettings
    region: str


@cache
def build_dependencies() -> Dependencies:
    """Build the SageMaker, S3 and PostgreSQL adapters once per process, from the environment."""
    from shared.storage.clients import client
    from shared.storage.objects import S3Store

    settings = PromotionSettings()
    configure_logging("promotion", settings.log_level)
    sagemaker = client("sagemaker")
    return Dependencies(
        jobs=SageMakerJobs(sagemaker),
        artefacts=S3Store(client("s3"), settings.artefact_bucket),
        runs=TrainingRuns(open_database(settings)),
        settings=settings,
        region=sagemaker.meta.region_name,
    )
