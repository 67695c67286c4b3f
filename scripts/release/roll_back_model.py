"""Return an environment to the model that was current before, and to its newest index.

    python scripts/release/roll_back_model.py [--bucket BUCKET] [--role ARN]

BUCKET is the artefact bucket (ARTEFACT_BUCKET), ARN the role that may write there
(PUBLICATION_ROLE_ARN): outputs of the environment's stacks storage and acceptance. S3 is all that
it needs: the sweep queues the reviews that came since. ``reviewlens models rollback`` is the same
for a stack on this machine.
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
    """Move both pointers; the version that is current now and the one that was.

    Raises:
        NotFoundError: there is no version before, or no index of it.
        ConflictError: another model became current at the same time.
    """
    now, target = pointers.before_current(store)
    index = pointers.last_index(store, target.version)
    if index is None:
        raise NotFoundError(f"{target.version} has no index any more")
    pointers.roll_back(store, now, target, index)
    return target.version, now.version


def main(arguments: Sequence[str] | None = None) -> int:
    """Roll back; returns the exit status."""
    parser = argparse.ArgumentParser(description="Return to the model that was current before.")
    parser.add_argument("--bucket", default=os.environ.get("ARTEFACT_BUCKET"))
    parser.add_argument("--role", default=os.environ.get("PUBLICATION_ROLE_ARN"))
    options = parser.parse_args(arguments)
    if not options.bucket:
        parser.error("--bucket not given")
    try:
        to, left = roll_back(S3Store(in_role(options.role).client("s3"), options.bucket))
    except ReviewlensError as error:
        print(error.message, file=sys.stderr)
        return 1
    print(f"{to} is current again, in place of {left}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
