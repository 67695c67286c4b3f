"""Lambda entry of migrations: brings the database to the newest revision."""

from typing import Any

from lambdas.migrations import service
from lambdas.migrations.settings import MigrationSettings
from shared.observability.logs import configure_logging


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's form
    """Migrate; a second run, or one beside this one, changes nothing.

    Returns:
        What ``service.answer`` says.
    """
    settings = MigrationSettings()
    configure_logging("migrations", settings.log_level)
    return service.answer(event, settings)
