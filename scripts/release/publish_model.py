"""Publish the repository's model to an environment; make it current if there is no current model.

    python scripts/release/publish_model.py [FOLDER] [--bucket BUCKET] [--role ARN]

BUCKET is the artefact bucket (ARTEFACT_BUCKET), ARN a role that may write to it
(PUBLICATION_ROLE_ARN): outputs of the environment's stacks storage and acceptance. An existing
current model stays current: only the gate replaces it. Damaged files of a version that was
published before are written again.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cdk.paths import ROOT
from local.stack.shipped_model import add_evaluation_to
from scripts.release.artefact_bucket import parse_arguments
from shared.errors import ReviewlensError
from shared.storage.artefacts import current, move_pointer, publish, read_folder
from shared.storage.restore import restore_version

MODEL_FOLDER = ROOT / "models" / "default"


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish the model; returns the exit status."""
    parser = argparse.ArgumentParser(
        description="Publish a model, and make it current if there is no current model."
    )
    parser.add_argument("folder", nargs="?", type=Path, default=MODEL_FOLDER)
    options, store = parse_arguments(parser, arguments)
    try:
        manifest = read_folder(options.folder, kind="model").manifest
        if not restore_version(store, "model", options.folder):
            publish(store, options.folder, manifest)  # says what is wrong
        add_evaluation_to(store, options.folder)
        pointer = current(store, "model")
        if pointer is None:
            move_pointer(store, "model", manifest.version, if_match=None)
    except ReviewlensError as error:
        print(f"{options.folder}: {error.message}", file=sys.stderr)
        return 1
    current_version = manifest.version if pointer is None else pointer.version
    print(f"published {manifest.version}; the current model is {current_version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
