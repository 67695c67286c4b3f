"""Whether the database answers, as a service's health."""

from shared.db.connection import Database
from shared.errors import UnavailableError
from shared.schemas.health import Check, Health


def database_health(
    database: Database, service: str, version: str, *, model_version: str | None = None
) -> Health:
    """Health of a service that is nothing without its database."""
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
