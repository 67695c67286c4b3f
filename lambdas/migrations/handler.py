"""Lambda entry of migrations: brings the database to the newest revision."""

from typing import Any

from lambdas.migrations.settings import MigrationSettings
from shared.db.migrations import migrate


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:  # noqa: ARG001 - Lambda's form
    """Migrate; a second run, or one beside this one, changes nothing.

    Returns:
        ``{"revision": …}``.
    """
    return {"revision": run(MigrationSettings())}


def run(settings: MigrationSettings) -> str:
    """Migrate the database that the settings name; returns its revision."""
    from shared.observability.logs import configure_logging
    from shared.storage.clients import client
    from shared.storage.secrets import read_secret

    configure_logging("migrations", settings.log_level)
    return migrate(read_secret(client("secretsmanager"), settings.database_secret_id))
