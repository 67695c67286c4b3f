"""Settings of the insights function."""

from pydantic import Field

from shared.settings.base import DatabaseSettings


class InsightsSettings(DatabaseSettings):
    """Which database to read."""

    database_wait_seconds: float = Field(3.0, gt=0, le=120)
    """How long one waits for a connection; while there is none, a caller is told so soon."""
