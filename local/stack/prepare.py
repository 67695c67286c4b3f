"""Child process that readies a stack: database schema, then the shipped model, its evaluation.

Run as ``python -m local.stack.prepare [--model FOLDER]`` by the stack, in the
functions' environment. Standard output is for the person at the terminal, standard error for the
log.
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
    """Bring the schema to the current version through the same function as on AWS."""
    handler = importlib.import_module("lambdas.migrations.handler").handler
    handler({}, Context("reviewlens-migrations", 300.0))


def publish_model(folder: Path) -> None:
    """Put the shipped model into the artefact bucket and make it current where it should be.

    Without it the stack goes on with the model that is current, if one is; health tells the rest.
    """
    from local.stack.shipped_model import add_evaluation, publish

    if _done(publish, folder, "model", "was not made current"):
        _done(add_evaluation, folder, "evaluation", "was not registered")


def _done(step: Callable[[Path], object], folder: Path, what: str, otherwise: str) -> bool:
    """Do one step; whatever fails is told, and hinders nothing else."""
    try:
        step(folder)
    except Exception as error:
        log.exception("the %s of %s %s", what, folder, otherwise)
        reason = error.message if isinstance(error, ReviewlensError) else repr(error)
        sys.stdout.write(f"The {what} of {folder} {otherwise}: {reason}\n")
        return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare everything; returns the exit status, which only the schema can make 1."""
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
