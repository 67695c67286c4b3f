"""Health of a service that depends on the database."""

from shared.db.connection import Database
from shared.errors import UnavailableError
from shared.schemas.health import Check, Health


def database_health(
    database: Database, service: str, version: str, *, model_version: str | None = None
) -> Health:
    """Return the health of a service that is unavailable without the database."""
    try:
        database.ping()
    except UnavailableError as error:
        check = Check(status="unavailable", detail=error.message)
    else:
        check = Check()
    return Health(
        status=check.status,
        service=service,
        version=version,
        model_version=model_version,
        checks={"database": check},
    )
