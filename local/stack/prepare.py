"""Child process that prepares a stack: database schema, shipped model and its evaluation.

The stack runs it as ``python -m local.stack.prepare [--model FOLDER]``, in the environment of the
functions. Standard output is for the user at the terminal, standard error for the log.
"""

import argparse
import importlib
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from local.stack.event_source import Context
from local.stack.lifeline import tie_to_parent
from shared.errors import ReviewlensError

log = logging.getLogger(__name__)


def migrate() -> None:
    """Migrate the schema to the current version with the same function as on AWS."""
    handler = importlib.import_module("lambdas.migrations.handler").handler
    handler({}, Context("reviewlens-migrations", 300.0))


def publish_model(folder: Path) -> None:
    """Put the shipped model into the artefact bucket and make it current if appropriate.

    If this fails, the stack starts with the current model, if any; /health reports the state.
    """
    from local.stack.shipped_model import add_evaluation, publish

    if _try_step(publish, folder, "model", "was not made current"):
        _try_step(add_evaluation, folder, "evaluation", "was not registered")


def _try_step(step: Callable[[Path], object], folder: Path, subject: str, failure: str) -> bool:
    """Run one step; log and print an error instead of raising it."""
    try:
        step(folder)
    except Exception as error:
        log.exception("the %s of %s %s", subject, folder, failure)
        reason = error.message if isinstance(error, ReviewlensError) else repr(error)
        sys.stdout.write(f"The {subject} of {folder} {failure}: {reason}\n")
        return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare the stack; returns the exit status: 1 if the migration failed, otherwise 0."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path)
    options = parser.parse_args(arguments)
    tie_to_parent()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        migrate()
    except ReviewlensError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    if options.model is not None:
        publish_model(options.model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
