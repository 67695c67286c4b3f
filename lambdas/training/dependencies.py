"""What training works with; made once per process, when the first event comes."""

import importlib
from dataclasses import dataclass
from functools import lru_cache

from lambdas.training.launcher import Launcher
from lambdas.training.settings import TrainingSettings
from shared.db.access import open_database
from shared.db.connection import Database
from shared.db.training import TrainingRuns


@dataclass(frozen=True)
class Dependencies:
    """Ports of the training service; ``rate`` is in reviews per second, for the first estimate."""

    database: Database
    runs: TrainingRuns
    launcher: Launcher
    rate: float


@lru_cache(maxsize=1)
def build_dependencies(settings: TrainingSettings) -> Dependencies:
    """Make the real adapters (PostgreSQL, SageMaker or what the settings name)."""
    from shared.observability.logs import configure_logging

    configure_logging("training", settings.log_level)
    database = open_database(settings)
    return Dependencies(
        database=database,
        runs=TrainingRuns(database),
        launcher=_launcher(settings),
        rate=settings.training_rate,
    )


def _launcher(settings: TrainingSettings) -> Launcher:
    if settings.training_launcher == "sagemaker":
        from lambdas.training.sagemaker_launcher import SageMakerLauncher
        from shared.storage.clients import client

        return SageMakerLauncher(client("sagemaker"), settings)
    module, _, function = settings.training_launcher.partition(":")
    made: Launcher = getattr(importlib.import_module(module), function)()
    return made
