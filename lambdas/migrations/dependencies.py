"""Dependencies of migrations."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from lambdas.migrations.settings import MigrationSettings
from shared.db.access import database_credentials
from shared.db.connection import Secret
from shared.observability.logs import configure_logging


@dataclass(frozen=True)
class Dependencies:
    """Access to the database, and limits of the migration service."""

    read_credentials: Callable[[], Secret]
    app_user: str
    wake_seconds: float


@cache
def build_dependencies() -> Dependencies:
    """Build the database access once per process, from the environment."""
    settings = MigrationSettings()
    configure_logging("migrations", settings.log_level)
    return Dependencies(
        read_credentials=database_credentials(settings),
        app_user=settings.app_user,
        wake_seconds=settings.wake_seconds,
    )
