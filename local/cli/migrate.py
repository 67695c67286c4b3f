"""``reviewlens migrate``: bring the database schema to a revision."""

from typing import Annotated

import typer

from local.cli import options
from local.cli.output import console, fail
from local.errors import LocalStackError
from local.state import StateFolder
from shared.errors import InvalidInputError, ReviewlensError


def migrate(
    down: Annotated[
        str | None,
        typer.Option(metavar="REVISION", help="Go back to an earlier revision, or to `base`."),
    ] = None,
    lossy: Annotated[
        bool, typer.Option("--lossy", help="Allow the way back to lose data.")
    ] = False,
    state: options.State = options.STATE,
) -> None:
    """Bring the database schema to the newest revision, or back to an earlier one.

    No stack may run. `reviewlens up` migrates to the newest revision by itself, so go back only
    before you start an earlier release. If data would be lost, nothing is changed and the message
    lists them.

    Example: reviewlens migrate --down 0008
    """
    from local.stack.offline import offline_database
    from shared.db import migrations
    from shared.db.migrations.downgrade import downgrade

    try:
        with offline_database(StateFolder(state)) as postgres:
            secret = postgres.secret
            revision = downgrade(secret, down, lossy=lossy) if down else migrations.migrate(secret)
    except LocalStackError as error:
        fail(error)
    except ReviewlensError as error:
        is_usage_error = isinstance(error, InvalidInputError)
        fail(LocalStackError(error.message, exit_code=2 if is_usage_error else 1))
    console().print(f"The database is at revision {revision}.")
    if down:
        console().print("Start the earlier release now: this one would migrate it again.")
