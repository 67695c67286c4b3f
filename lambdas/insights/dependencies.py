"""Dependencies of insights."""

from dataclasses import dataclass
from functools import cache

from lambdas.insights.settings import InsightsSettings
from shared.db.access import open_database
from shared.db.connection import Database
from shared.observability.logs import configure_logging


@dataclass(frozen=True)
class Dependencies:
    """Adapters of the insights service."""

    database: Database


@cache
def build_dependencies() -> Dependencies:
    """Build the PostgreSQL adapter once per process, from the environment."""
    settings = InsightsSettings()
    configure_logging("insights", settings.log_level)
    return Dependencies(database=open_database(settings))
