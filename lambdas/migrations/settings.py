"""Settings of the migration function, and the revision that it migrates to."""

from pathlib import Path

from pydantic import Field

from shared.settings.base import DatabaseSettings

_VERSIONS = Path(__file__).resolve().parents[2] / "shared" / "db" / "migrations" / "versions"


class MigrationSettings(DatabaseSettings):
    """Which database to migrate, by the secret of its owner, and whom to let in."""

    database_secret_id: str = Field(min_length=1)
    """Secret of the owner of the tables: migrations go past RDS Proxy, to the database itself."""
    app_user: str = ""
    """User that the functions connect as, to be made and given its rights; empty: none."""
    wake_seconds: float = Field(60.0, ge=0)
    """How long to try while the database does not answer: a paused cluster takes some 15 s."""


def newest_revision() -> str:
    """The newest revision, by the names of the files: what a deployment asks for."""
    # Alembic is no dependency of whoever deploys
    return max(path.stem[1:5] for path in _VERSIONS.glob("r[0-9]*.py"))
