"""The artefact bucket that the model scripts use, from their options or from the environment."""

import argparse
import os
from collections.abc import Sequence

from scripts.release.smoke_test import session_in_role
from shared.storage.objects import S3Store


def parse_arguments(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None
) -> tuple[argparse.Namespace, S3Store]:
    """Add ``--bucket`` and ``--role`` to a parser, parse, and open the bucket."""
    parser.add_argument(
        "--bucket",
        default=os.environ.get("ARTEFACT_BUCKET"),
        help="artefact bucket (default: ARTEFACT_BUCKET)",
    )
    parser.add_argument(
        "--role",
        default=os.environ.get("PUBLICATION_ROLE_ARN"),
        help="ARN of a role that may write to it (default: PUBLICATION_ROLE_ARN)",
    )
    options = parser.parse_args(arguments)
    if not options.bucket:
        parser.error("--bucket is missing")
    return options, S3Store(session_in_role(options.role).client("s3"), options.bucket)
