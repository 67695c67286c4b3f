"""Migrates, lets the functions in, and answers CloudFormation for it."""

import logging
import time
from typing import Any

from lambdas.migrations.settings import MigrationSettings
from shared.db.access import database_credentials
from shared.db.connection import Secret
from shared.db.migrations import NewerSchemaError, head, migrate, revisions
from shared.db.roles import let_in
from shared.errors import ReviewlensError, UnavailableError

log = logging.getLogger(__name__)
_PAUSE_SECONDS = 1.0
_RESOURCE = "reviewlens-schema"
"""Physical id: one that stays has nothing replaced, and so nothing deleted, by an update."""


class MigrationError(ReviewlensError):
    """The schema is not what was asked for; says why."""

    code = "migration_failed"


def answer(event: dict[str, Any], settings: MigrationSettings) -> dict[str, Any]:
    """Answer an event of a custom resource (CDK's Provider framework), or a plain invocation.

    Args:
        event: of a custom resource: RequestType, and in ResourceProperties ``revision``, the
            newest one that the deployment knows. Delete changes nothing: data outlive a stack.
        settings: which database.

    Returns:
        ``{"PhysicalResourceId": …, "Data": {"revision": …}}``, or ``{"revision": …}``.

    Raises:
        MigrationError: it failed; CloudFormation shows the message.
    """
    request = event.get("RequestType")
    if request is None:
        return {"revision": run(settings)}
    resource = event.get("PhysicalResourceId") or _RESOURCE
    if request == "Delete":
        return {"PhysicalResourceId": resource}
    _require_known(event.get("ResourceProperties", {}).get("revision"))
    try:
        revision = run(settings)
    except NewerSchemaError as error:
        # a release is rolled back; migrations keep the code before them working
        log.warning("%s: it stays as it is", error.message)
        revision = error.revision
    return {"PhysicalResourceId": resource, "Data": {"revision": revision}}


def run(settings: MigrationSettings) -> str:
    """Migrate the database that the settings name, and let the functions' user in.

    Returns:
        The revision that it is at now.

    Raises:
        NewerSchemaError: a newer release migrated it.
        MigrationError: it did not answer in time, or a migration failed.
    """
    try:
        secret = database_credentials(settings)()
        revision = _migrated(secret, settings.wake_seconds)
        if settings.app_user:
            let_in(secret, settings.app_user)
    except NewerSchemaError:
        raise
    except Exception as error:
        raise MigrationError(f"the database was not migrated: {_reason(error)}") from error
    return revision


def _migrated(secret: Secret, seconds: float) -> str:
    """Migrate, and try again for some time while the database does not answer."""
    ends = time.monotonic() + seconds
    while True:
        try:
            return migrate(secret)
        except UnavailableError as error:
            if time.monotonic() >= ends:
                raise
            log.info("not yet: %s", _reason(error))
            time.sleep(_PAUSE_SECONDS)


def _require_known(wanted: str | None) -> None:
    if wanted and wanted not in revisions():
        raise MigrationError(
            f"revision {wanted} is asked for, and this function knows none after {head()}:"
            " deploy its code first"
        )


def _reason(error: BaseException) -> str:
    """The message and what is behind it, in one line: psycopg names the host, not the password."""
    causes, at = [str(error)], error.__cause__
    while at is not None:
        causes.append(str(at))
        at = at.__cause__
    return " ".join(": ".join(dict.fromkeys(causes)).split())
