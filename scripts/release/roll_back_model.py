"""Return an environment to the previous model and its newest index.

    python scripts/release/roll_back_model.py [--bucket BUCKET] [--role ARN]

BUCKET is the artefact bucket (ARTEFACT_BUCKET), ARN the role that may write there
(PUBLICATION_ROLE_ARN): outputs of the environment's stacks storage and acceptance. Only S3 is
needed: the sweep queues the reviews that arrived since. ``reviewlens models rollback`` does the
same for a local stack.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from sagemaker_jobs.activate import pointers
from scripts.release.smoke_test import in_role
from shared.errors import NotFoundError, ReviewlensError
from shared.storage.objects import ObjectStore, S3Store


def roll_back(store: ObjectStore) -> tuple[str, str]:
    """Move both pointers; returns the version that is current now and the one it replaced.

    Raises:
        NotFoundError: there is no previous version, or its index is gone.
        ConflictError: another model became current first.
    """
    current, target = pointers.rollback_target(store)
    index = pointers.newest_index(store, target.version)
    if index is None:
        raise NotFoundError(f"{target.version} no longer has an index")
    pointers.roll_back(store, current, target, index)
    return target.version, current.version


def main(arguments: Sequence[str] | None = None) -> int:
    """Roll back; returns the exit status."""
    parser = argparse.ArgumentParser(description="Return to the previous model.")
    parser.add_argument("--bucket", default=os.environ.get("ARTEFACT_BUCKET"))
    parser.add_argument("--role", default=os.environ.get("PUBLICATION_ROLE_ARN"))
    options = parser.parse_args(arguments)
    if not options.bucket:
        parser.error("--bucket not given")
    try:
        active, replaced = roll_back(S3Store(in_role(options.role).client("s3"), options.bucket))
    except ReviewlensError as error:
        print(error.message, file=sys.stderr)
        return 1
    print(f"{active} is current again, in place of {replaced}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
