"""The job with its real adapters: AWS, PostgreSQL, ONNX Runtime, FAISS."""

import logging

from sagemaker_jobs.activate.activation import ActivationReport, activate
from sagemaker_jobs.activate.config import ActivateConfig
from sagemaker_jobs.activate.dependencies import ActivationDependencies
from sagemaker_jobs.score.job import open_database, open_second
from shared.storage.clients import client
from shared.storage.objects import S3Store
from shared.storage.queues import SqsQueue

log = logging.getLogger("activate")


def run(config: ActivateConfig) -> ActivationReport:
    """Make a registered version and an index of its embeddings current."""
    s3, database = client("s3"), open_database(config)
    try:
        dependencies = ActivationDependencies(
            database=database,
            clean=S3Store(s3, config.clean_bucket),
            artefacts=S3Store(s3, config.artefact_bucket),
            processing_queue=SqsQueue(client("sqs"), config.processing_queue_url),
            cache_dir=config.cache_dir,
            second=open_second(config, S3Store(s3, config.artefact_bucket)),
            threads=config.threads,
            refresh_seconds=config.refresh_seconds,
            picture_sha256=config.picture_sha256,
        )
        return activate(
            dependencies,
            config.model_version,
            force=config.force,
            wait_seconds=config.wait_seconds,
            on_step=log.info,
        )
    finally:
        database.close()
