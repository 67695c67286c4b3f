"""The database of a state folder, whether a stack runs on it or not."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.errors import LocalStackError
from local.stack.ports import free_port
from local.stack.postgres import Postgres, database_secret
from local.state import FolderLock, StateFolder


@contextmanager
def open_database(state: StateFolder) -> Iterator[dict[str, str | int]]:
    """Credentials of the database of the running stack, else of one started for the block.

    Raises:
        LocalStackError: as ``offline_database``.
    """
    running = state.running()
    if running is None:
        with offline_database(state) as postgres:
            yield postgres.secret
    else:
        yield database_secret(running.database, state.secrets()["database_password"])


@contextmanager
def offline_database(state: StateFolder) -> Iterator[Postgres]:
    """PostgreSQL alone, on a free port; no stack can start meanwhile.

    Raises:
        LocalStackError: the folder is not a state folder, a stack runs on it, or PostgreSQL does
            not start.
    """
    if not state.has_marker():
        raise LocalStackError(f"{state.root} is not a Reviewlens state folder.", exit_code=2)
    with FolderLock(state.root):
        state.withdraw()  # the announcement of a killed stack
        postgres = Postgres(
            state.postgres,
            port=free_port(0, purpose="database", option="--database-port"),
            password=state.secrets()["database_password"],
            log_path=state.logs / "postgres.log",
            quarantine=state.quarantine,
        )
        try:
            postgres.start()
            yield postgres
        finally:
            postgres.stop()
