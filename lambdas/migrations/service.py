"""Migrates the database, grants the functions access, and answers CloudFormation."""

import logging
import time
from typing import Any

from lambdas.migrations.dependencies import Dependencies
from shared.db.connection import Secret
from shared.db.migrations import NewerSchemaError, head_revision, known_revisions, migrate
from shared.db.migrations.downgrade import downgrade
from shared.db.roles import grant_access
from shared.errors import ReviewlensError, UnavailableError

log = logging.getLogger(__name__)
_RETRY_SECONDS = 1.0
_RESOURCE_ID = "reviewlens-schema"
"""Physical id; a constant one makes CloudFormation update the resource, never replace it."""


class MigrationError(ReviewlensError):
    """The database was not migrated; the message says why."""

    code = "migration_failed"


def handle_event(event: dict[str, Any], dependencies: Dependencies) -> dict[str, Any]:
    """Handle an event of a custom resource (CDK's Provider framework), or a plain invocation.

    Args:
        event: for a custom resource: RequestType, and in ResourceProperties ``revision``, the
            newest revision of the deployment. Delete does nothing, so that data outlive a stack.
            A plain invocation may have ``down``, an earlier revision, and ``lossy``.
        dependencies: access to the database.

    Returns:
        ``{"PhysicalResourceId": …, "Data": {"revision": …}}``, or ``{"revision": …}``.

    Raises:
        MigrationError: the migration failed; CloudFormation shows the message.
        InvalidInputError: ``down`` is not an earlier revision.
        ConflictError: the downgrade would lose data.
    """
    request = event.get("RequestType")
    if request is None and event.get("down"):
        lossy = event.get("lossy") is True
        revision = downgrade(dependencies.read_credentials(), str(event["down"]), lossy=lossy)
        return {"revision": revision}
    if request is None:
        return {"revision": run(dependencies)}
    resource = event.get("PhysicalResourceId") or _RESOURCE_ID
    if request == "Delete":
        return {"PhysicalResourceId": resource}
    _require_known(event.get("ResourceProperties", {}).get("revision"))
    try:
        revision = run(dependencies)
    except NewerSchemaError as error:
        # a rollback to an older release; migrations stay compatible with the release before
        log.warning("%s: the schema is left unchanged", error.message)
        revision = error.revision
    return {"PhysicalResourceId": resource, "Data": {"revision": revision}}


def run(dependencies: Dependencies) -> str:
    """Migrate the database, and grant the functions' user access.

    Returns:
        The current revision.

    Raises:
        NewerSchemaError: a newer release migrated it.
        MigrationError: it did not answer in time, or a migration failed.
    """
    try:
        credentials = dependencies.read_credentials()
        revision = _migrate_when_awake(credentials, dependencies.wake_seconds)
        if dependencies.app_user:
            # a token may have expired during the migration
            grant_access(dependencies.read_credentials(), dependencies.app_user)
    except NewerSchemaError:
        raise
    except Exception as error:
        message = f"the database was not migrated: {_describe(error)}"
        raise MigrationError(message) from error
    return revision


def _migrate_when_awake(credentials: Secret, wake_seconds: float) -> str:
    """Migrate; retry while the database does not answer, for at most ``wake_seconds``."""
    deadline = time.monotonic() + wake_seconds
    while True:
        try:
            return migrate(credentials)
        except UnavailableError as error:
            if time.monotonic() >= deadline:
                raise
            log.info("the database does not answer yet: %s", _describe(error))
            time.sleep(_RETRY_SECONDS)


def _require_known(revision: str | None) -> None:
    if revision and revision not in known_revisions():
        raise MigrationError(
            f"the deployment requires revision {revision}, but the newest one in the code of this"
            f" function is {head_revision()}: deploy its code first"
        )


def _describe(error: BaseException) -> str:
    """The message and its causes in one line; psycopg names the host, not the password."""
    messages, cause = [str(error)], error.__cause__
    while cause is not None:
        messages.append(str(cause))
        cause = cause.__cause__
    return " ".join(": ".join(dict.fromkeys(messages)).split())
