"""Settings of the migration function."""

from shared.settings.base import DatabaseSettings


class MigrationSettings(DatabaseSettings):
    """Which database to migrate."""
