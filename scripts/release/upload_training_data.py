"""Upload the Parquet files of a training to an environment.

    python scripts/release/upload_training_data.py FOLDER [--bucket BUCKET] [--role ARN]

FOLDER is the output of scripts/model/prepare_training_data.py. BUCKET is the artefact bucket
(ARTEFACT_BUCKET), ARN a role that may write to it (PUBLICATION_ROLE_ARN): outputs of the
environment's stacks storage and acceptance. A training reads all of training/data/, so nothing is
uploaded while there are files that FOLDER does not have. Files with the same content stay.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow.parquet as pq
from pyarrow import ArrowInvalid

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from scripts.release.artefact_bucket import parse_arguments
from shared.errors import InvalidInputError, ReviewlensError
from shared.storage.objects import ObjectStore

PREFIX = "training/data/"
SPLITS = ("train", "validation", "test")
COLUMNS = frozenset({"text", "sentiment", "source"})


def upload(store: ObjectStore, folder: Path) -> list[str]:
    """Upload the files that the bucket does not have; returns their names.

    Raises:
        InvalidInputError: a split is missing, a file cannot be trained on, or the bucket has
            other files.
    """
    files = sorted(folder.glob("*.parquet"))
    names = {path.name for path in files}
    if missing := [f"{split}.parquet" for split in SPLITS if f"{split}.parquet" not in names]:
        raise InvalidInputError(f"{folder} has no {', '.join(missing)}")
    for path in files:
        _check(path)
    present = {info.key.removeprefix(PREFIX) for info in store.list(PREFIX)}
    if others := sorted(present - names - {""}):
        raise InvalidInputError(f"{PREFIX} has files that {folder} lacks: {', '.join(others)}")
    return [path.name for path in files if _put(store, path)]


def _check(path: Path) -> None:
    """Read the columns and the number of rows, which fail for a damaged file."""
    try:
        file = pq.ParquetFile(path)
    except ArrowInvalid as error:
        raise InvalidInputError(f"{path.name} is not a Parquet file: {error}") from error
    if missing := sorted(COLUMNS - set(file.schema_arrow.names)):
        raise InvalidInputError(f"{path.name} has no column {', '.join(missing)}")
    if not file.metadata.num_rows:
        raise InvalidInputError(f"{path.name} has no rows")


def _put(store: ObjectStore, path: Path) -> bool:
    """Upload a file unless the same one is there; returns whether it was uploaded."""
    key = f"{PREFIX}{path.name}"
    if any(info.key == key and info.size == path.stat().st_size for info in store.list(key)):
        with store.open(key) as stored, path.open("rb") as own:
            if _digest(stored) == _digest(own):
                return False
    store.upload(key, path)
    return True


def _digest(file: BinaryIO) -> bytes:
    return hashlib.file_digest(file, "sha256").digest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Upload; returns the exit status."""
    parser = argparse.ArgumentParser(description="Upload the Parquet files of a training.")
    parser.add_argument("folder", type=Path)
    options, store = parse_arguments(parser, arguments)
    try:
        uploaded = upload(store, options.folder)
    except ReviewlensError as error:
        print(error.message, file=sys.stderr)
        return 1
    print(f"uploaded {', '.join(uploaded) or 'nothing: all files are there'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
