"""Child process that readies a stack: database schema, then the shipped model.

Run as ``python -m local.prepare [--model FOLDER]`` by the stack, in the functions' environment.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from local.event_source import Context
from local.lifeline import tie_to_parent
from shared.errors import ReviewlensError


def migrate() -> None:
    """Bring the schema to the current version through the same function as on AWS."""
    handler = importlib.import_module("lambdas.migrations.handler").handler
    handler({}, Context("reviewlens-migrations", 300.0))


def publish_model(folder: Path) -> None:
    """Put the shipped model into the artefact bucket and make it current where it should be."""
    from local.shipped_model import publish

    publish(folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare everything; returns the exit status, the reason of a failure goes to stderr."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path)
    options = parser.parse_args(arguments)
    tie_to_parent()
    try:
        migrate()
        if options.model is not None:
            publish_model(options.model)
    except ReviewlensError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
