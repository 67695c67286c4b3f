"""Settings of the insights function."""

from shared.settings.base import DatabaseSettings


class InsightsSettings(DatabaseSettings):
    """Which database to read."""
