"""The job with its real adapters: S3 and FAISS."""

import logging

from sagemaker_jobs.build_index.config import BuildIndexConfig
from shared.index.build import index_for
from shared.schemas.manifest import Manifest
from shared.storage.clients import client
from shared.storage.objects import S3Store

log = logging.getLogger("build_index")


def run(config: BuildIndexConfig) -> Manifest | None:
    """Build and publish an index of a model; no pointer moves.

    Returns:
        The manifest of the index, or None if the model has no embeddings.
    """
    store = S3Store(client("s3"), config.artefact_bucket)
    manifest, skipped = index_for(store, config.model_version)
    outcome = f"{manifest.count} reviews, {manifest.version}" if manifest else "nothing to index"
    log.info("index of %s: %s, %d shards skipped", config.model_version, outcome, len(skipped))
    return manifest
