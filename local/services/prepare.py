"""Prepares the database and the buckets before services start."""

import importlib
import os
from pathlib import Path

from local.stack.event_source import Context
from local.stack.shipped_model import add_evaluation, publish
from shared.observability.logs import configure_logging

_MIGRATION_SECONDS = 300.0


def prepare(model: Path | None) -> None:
    """Migrate the database with the function that does it on AWS, and publish a model.

    Both change nothing if they were done before. A newer model of the same family becomes current.

    Args:
        model: folder of the model to publish, None to publish none.

    Raises:
        ReviewlensError: the database or the buckets cannot be used, or the model is damaged.
    """
    configure_logging("prepare", os.environ.get("REVIEWLENS_LOG_LEVEL", "INFO"))
    handler = importlib.import_module("lambdas.migrations.handler").handler
    handler({}, Context("reviewlens-migrations", _MIGRATION_SECONDS))
    if model is not None:
        publish(model)
        add_evaluation(model)
