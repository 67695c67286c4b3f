"""Put the model that the repository ships into an environment, and make it current if none is.

    python scripts/release/publish_model.py [FOLDER] [--bucket BUCKET] [--role ARN]

BUCKET is the artefact bucket (ARTEFACT_BUCKET), ARN the role that may write there
(PUBLICATION_ROLE_ARN): outputs of the environment's stacks storage and acceptance. Where a model is
current it stays current, whatever is published: changing it is the gate's business.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from local.stack.shipped_model import add_evaluation_to
from scripts.release.smoke_test import in_role
from shared.errors import ReviewlensError
from shared.storage.artefacts import current, move_pointer, publish, read_folder
from shared.storage.objects import S3Store

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "default"


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish; returns the exit status."""
    parser = argparse.ArgumentParser(description="Publish a model, and let it answer if none does.")
    parser.add_argument("folder", nargs="?", type=Path, default=SHIPPED)
    parser.add_argument("--bucket", default=os.environ.get("ARTEFACT_BUCKET"))
    parser.add_argument("--role", default=os.environ.get("PUBLICATION_ROLE_ARN"))
    options = parser.parse_args(arguments)
    if not options.bucket:
        parser.error("--bucket not given")
    store = S3Store(in_role(options.role).client("s3"), options.bucket)
    try:
        manifest = read_folder(options.folder, kind="model").manifest
        publish(store, options.folder, manifest)
        add_evaluation_to(store, options.folder)
        now = current(store, "model")
        if now is None:
            move_pointer(store, "model", manifest.version, if_match=None)
    except ReviewlensError as error:
        print(f"{options.folder}: {error.message}", file=sys.stderr)
        return 1
    answering = manifest.version if now is None else now.version
    print(f"published {manifest.version}; {answering} answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
