"""Dependencies of training."""

import importlib
from dataclasses import dataclass
from functools import cache

from lambdas.training.launcher import Launcher
from lambdas.training.settings import TrainingSettings
from shared.db.access import open_database
from shared.db.connection import Database
from shared.db.training import TrainingRuns
from shared.observability.logs import configure_logging


@dataclass(frozen=True)
class Dependencies:
    """Adapters of the training service; ``reviews_per_second`` is the first estimate's pace."""

    database: Database
    runs: TrainingRuns
    launcher: Launcher
    reviews_per_second: float


@cache
def build_dependencies() -> Dependencies:
    """Build the PostgreSQL adapter and the launcher once per process, from the environment."""
    settings = TrainingSettings()
    configure_logging("training", settings.log_level)
    database = open_database(settings)
    return Dependencies(
        database=database,
        runs=TrainingRuns(database),
        launcher=_build_launcher(settings),
        reviews_per_second=settings.training_rate,
    )


def _build_launcher(settings: TrainingSettings) -> Launcher:
    if settings.training_launcher == "sagemaker":
        from lambdas.training.sagemaker_launcher import SageMakerLauncher
        from shared.storage.clients import client

        return SageMakerLauncher(client("sagemaker"), settings)
    module, _, function = settings.training_launcher.partition(":")
    launcher: Launcher = getattr(importlib.import_module(module), function)()
    return launcher
