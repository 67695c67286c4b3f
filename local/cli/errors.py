"""Errors of commands that work on a state folder, as one line."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from local.cli.output import fail
from local.errors import LocalStackError
from shared.errors import ReviewlensError


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Print an error of the block and exit the command."""
    try:
        yield
    except LocalStackError as error:
        fail(error)
    except ReviewlensError as error:
        fail(LocalStackError(error.message))
    except psycopg.Error as error:
        fail(LocalStackError(f"PostgreSQL: {' '.join(str(error).split())}"))
    except OSError as error:
        fail(LocalStackError(str(error)))
