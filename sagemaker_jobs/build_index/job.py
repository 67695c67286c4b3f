"""The job over the real adapters: AWS, PostgreSQL, ONNX Runtime, FAISS."""

import logging

from sagemaker_jobs.build_index.activation import Activated, Stage, activate
from sagemaker_jobs.build_index.config import BuildIndexConfig
from sagemaker_jobs.score.job import open_database
from shared.index.build import index_for
from shared.storage.clients import client
from shared.storage.objects import S3Store
from shared.storage.queues import SqsQueue

log = logging.getLogger("build_index")


def run(config: BuildIndexConfig) -> Activated | None:
    """Build an index of a model, and with ``activate`` make both current; else returns None."""
    s3 = client("s3")
    store = S3Store(s3, config.artefact_bucket)
    if not config.activate:
        manifest, skipped = index_for(store, config.model_version)
        told = f"{manifest.count} reviews, {manifest.version}" if manifest else "nothing to index"
        log.info("index of %s: %s, %d shards left out", config.model_version, told, len(skipped))
        return None
    database = open_database(config)
    try:
        stage = Stage(
            database=database,
            clean=S3Store(s3, config.clean_bucket),
            artefacts=store,
            processing_queue=SqsQueue(client("sqs"), config.processing_queue_url),
            cache_dir=config.cache_dir,
            threads=config.threads,
            refresh_seconds=config.refresh_seconds,
        )
        done = activate(
            stage,
            config.model_version,
            force=config.force,
            wait_seconds=config.wait_seconds,
            tell=log.info,
        )
    finally:
        database.close()
    return done
