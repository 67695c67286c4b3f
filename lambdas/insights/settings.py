"""Settings of the insights function."""

from pydantic import Field

from shared.settings.base import DatabaseSettings


class InsightsSettings(DatabaseSettings):
    """The database to read."""

    database_wait_seconds: float = Field(3.0, gt=0, le=120)
    """Wait for a database connection; short, so that callers soon learn that there is none."""
