"""Roll an environment back to the previous model and its newest index.

    python scripts/release/roll_back_model.py [--bucket BUCKET] [--role ARN]

BUCKET is the artefact bucket (ARTEFACT_BUCKET), ARN a role that may write to it
(PUBLICATION_ROLE_ARN): outputs of the environment's stacks storage and acceptance. Only S3 is
needed: the sweep queues the reviews that arrived in the meantime. ``reviewlens models rollback``
does the same for a local stack.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from sagemaker_jobs.activate import pointers
from scripts.release.artefact_bucket import parse_arguments
from shared.errors import NotFoundError, ReviewlensError
from shared.storage.objects import ObjectStore


def roll_back(store: ObjectStore) -> tuple[str, str]:
    """Move both pointers; returns the new current version and the one that it replaces.

    Raises:
        NotFoundError: there is no previous version, or it has no index.
        ConflictError: another model became current at the same time.
    """
    current, target = pointers.rollback_target(store)
    index = pointers.newest_index(store, target.version)
    if index is None:
        raise NotFoundError(f"{target.version} no longer has an index")
    pointers.roll_back(store, current, target, index)
    return target.version, current.version


def main(arguments: Sequence[str] | None = None) -> int:
    """Roll back; returns the exit status."""
    parser = argparse.ArgumentParser(description="Roll back to the previous model.")
    _, store = parse_arguments(parser, arguments)
    try:
        version, replaced = roll_back(store)
    except ReviewlensError as error:
        print(error.message, file=sys.stderr)
        return 1
    print(f"{version} is current again and replaces {replaced}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
