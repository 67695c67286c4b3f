"""The job with its real adapters: AWS, PostgreSQL, ONNX Runtime."""

import logging

from sagemaker_jobs.score.config import ScoreConfig
from sagemaker_jobs.score.reuse import open_reuse
from sagemaker_jobs.score.scoring import Dependencies, Report, score_missing
from shared.db.connection import Database
from shared.runtime.cascade import SecondModel
from shared.storage.objects import ObjectStore

log = logging.getLogger("score")
_CONNECT_SECONDS = 60.0
"""Wait for a database connection; a paused cluster takes about 15 s to resume."""


def open_database(config: ScoreConfig) -> Database:
    """Open the database that the config names, or else the one of the environment."""
    from shared.db import access
    from shared.settings.base import DatabaseSettings

    settings = DatabaseSettings(database_wait_seconds=_CONNECT_SECONDS)
    if config.database_secret_id:
        settings = DatabaseSettings(
            database_secret_id=config.database_secret_id, database_wait_seconds=_CONNECT_SECONDS
        )
    return access.open_database(settings)


def open_second(config: ScoreConfig, store: ObjectStore) -> SecondModel | None:
    """The second model that the config names; it is opened on first use."""
    from shared.runtime.loader import second_model

    names = config.second_model, config.second_model_below
    return second_model(*names, store, config.cache_dir, threads=config.threads)


def run(config: ScoreConfig) -> Report:
    """Score all stored reviews with one model version."""
    from shared.runtime.loader import open_version
    from shared.storage.clients import client
    from shared.storage.objects import S3Store

    s3, database = client("s3"), open_database(config)
    try:
        dependencies = Dependencies(
            database,
            S3Store(s3, config.clean_bucket),
            S3Store(s3, config.artefact_bucket),
            second=open_second(config, S3Store(s3, config.artefact_bucket)),
        )
        artefacts, version = dependencies.artefacts, config.model_version
        report = score_missing(
            dependencies,
            open_version(artefacts, version, config.cache_dir, threads=config.threads),
            reuse=lambda: open_reuse(artefacts, version, config.cache_dir),
        )
    finally:
        database.close()
    log.info(
        "scored %d reviews of %d shards, %d of them without encoding",
        *(report.reviews, report.shards, report.reused),
    )
    return report
