"""Settings of the migration function, and the newest revision."""

from pathlib import Path

from pydantic import Field

from shared.settings.base import DatabaseSettings

_VERSIONS = Path(__file__).resolve().parents[2] / "shared" / "db" / "migrations" / "versions"


class MigrationSettings(DatabaseSettings):
    """The database to migrate (itself, not the proxy), as the owner of its tables."""

    app_user: str = ""
    """User of the functions, created and granted its rights; empty: none."""
    wake_seconds: float = Field(60.0, ge=0)
    """How long to retry while the database does not answer; a paused cluster needs about 15 s."""


def newest_revision() -> str:
    """Read the newest revision, which a deployment requires, from the file names."""
    # a deployment has no Alembic
    return max(path.stem[1:5] for path in _VERSIONS.glob("r[0-9]*.py"))
