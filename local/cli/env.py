"""``reviewlens env``: variables with which other programs connect to the running stack."""

import shlex

from local.cli import options
from local.cli.output import console, fail
from local.errors import LocalStackError
from local.stack.cluster import USERNAME, binaries
from local.stack.environment import function_environment
from local.stack.postgres import DATABASE
from local.state import RunningStack, StateFolder


def env(state: options.State = options.STATE) -> None:
    """Print the variables with which aws, psql and the functions connect to the running stack.

    They include the passwords and keys of this state folder, and add PostgreSQL's programs to PATH.

    Example: eval "$(reviewlens env)" && psql -c "SELECT count(*) FROM reviews"
    """
    folder = StateFolder(state)
    try:
        running = folder.require_running()
    except LocalStackError as error:
        fail(error)
    for name, value in _variables(folder, running).items():
        console().print(f"export {name}={shlex.quote(value)}", markup=False, soft_wrap=True)
    console().print(f'export PATH="$PATH":{shlex.quote(str(binaries()))}', soft_wrap=True)


def _variables(folder: StateFolder, running: RunningStack) -> dict[str, str]:
    database = {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(running.database),
        "PGUSER": USERNAME,
        "PGPASSWORD": folder.secrets()["database_password"],
        "PGDATABASE": DATABASE,
    }
    return function_environment(running.aws_url, folder.cache, folder.aws_keys()) | database
