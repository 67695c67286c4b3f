"""Uploads of ``ingest`` to the raw bucket: files, keys and mappings."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdas.collection.arrivals import MAPPING_NAME, is_mapping
from local.errors import LocalStackError
from local.names import RAW_BUCKET
from shared.schemas.ingest import ingest_id_of
from shared.storage.aws_errors import AWS_ERRORS
from shared.storage.layout import UPLOADS


@dataclass(frozen=True, slots=True)
class Upload:
    """One file to upload; ``mapping`` is the content of its ``<key>.mapping.json``, if any."""

    path: Path
    key: str
    mapping: bytes | None

    @property
    def size(self) -> int:
        """Size of the file in bytes."""
        return self.path.stat().st_size


def parse_mapping(text: str) -> dict[str, str]:
    """Parse a mapping such as ``text=Opinion,rating=Grade``.

    Raises:
        LocalStackError: a part is not ``field=column``, or its field does not exist.
    """
    from lambdas.collection.reading.schemas import FIELDS  # imports pyarrow: not at start-up

    mapping: dict[str, str] = {}
    for part in text.split(","):
        field, equals, column = (piece.strip() for piece in part.partition("="))
        if not (equals and column) or field not in FIELDS:
            fields = ", ".join(FIELDS)
            message = f"--map: {part.strip()!r} must have the form field=column; fields: {fields}."
            raise LocalStackError(message, exit_code=2)
        mapping[field] = column
    return mapping


def plan_uploads(
    paths: Sequence[Path], *, prefix: str = "", mapping: Mapping[str, str] | None = None
) -> list[Upload]:
    """Plan the upload of files and of the contents of folders, except hidden files.

    Mapping files are not dumps, even if listed as paths (``samples/*``). A mapping next to a file
    (``<file>.mapping.json``, else ``mapping.json``) is uploaded with it, unless ``mapping`` is
    given, which then applies to all files.

    Raises:
        LocalStackError: a path is missing or cannot be read, two files would have the same key, or
            there is nothing to upload.
    """
    plan: dict[str, Upload] = {}
    folder = UPLOADS + (f"{prefix.strip('/')}/" if prefix.strip("/") else "")
    common_mapping = json.dumps(dict(mapping)).encode() if mapping else None
    for path, name in _files(paths):
        key = folder + name
        if key in plan:
            other = plan[key].path
            message = f"{path} and {other} have the same key {key}: upload one with --prefix."
            raise LocalStackError(message, exit_code=2)
        plan[key] = Upload(path, key, common_mapping or _adjacent_mapping(path))
    if not plan:
        raise LocalStackError("There are no files to ingest.", exit_code=2)
    return list(plan.values())


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Dumps and their names below the upload folder."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                name = file.relative_to(path).as_posix()
                is_hidden = any(part.startswith(".") for part in name.split("/"))
                if file.is_file() and not is_hidden and not is_mapping(name):
                    yield _check_readable(file), name
        elif not is_mapping(_check_readable(path).name):
            yield path, path.name


def _check_readable(path: Path) -> Path:
    if not path.is_file():
        raise LocalStackError(f"{path} does not exist.", exit_code=2)
    if not os.access(path, os.R_OK):
        raise LocalStackError(f"{path} is not readable.", exit_code=2)
    return path


def _adjacent_mapping(path: Path) -> bytes | None:
    own, shared = path.with_name(f"{path.name}.{MAPPING_NAME}"), path.with_name(MAPPING_NAME)
    for candidate in (own, shared):
        if candidate.is_file():
            return candidate.read_bytes()
    return None


def send(s3: Any, upload: Upload, progress: Callable[[int], None]) -> str:
    """Upload one file, after its mapping; returns the ingest id that collection will assign.

    Args:
        s3: a boto3 client of the stack.
        upload: what to send.
        progress: called with the number of newly sent bytes.

    Raises:
        LocalStackError: the upload failed.
    """
    try:
        if upload.mapping is not None:
            mapping_key = f"{upload.key}.{MAPPING_NAME}"
            s3.put_object(Bucket=RAW_BUCKET, Key=mapping_key, Body=upload.mapping)
        s3.upload_file(str(upload.path), RAW_BUCKET, upload.key, Callback=progress)
        etag = s3.head_object(Bucket=RAW_BUCKET, Key=upload.key)["ETag"]
    except (*AWS_ERRORS, OSError) as error:
        raise LocalStackError(f"{upload.path} could not be uploaded: {error}") from error
    return ingest_id_of(RAW_BUCKET, upload.key, etag)


def copy_into_raw(s3: Any, uri: str) -> dict[str, str]:
    """Copy the objects at an ``s3://`` URI to where collection reads them.

    Objects outside ``uploads/`` of the raw bucket, and their mappings, are copied to
    ``uploads/<bucket>/``; the others stay where they are.

    Args:
        s3: a boto3 client of the stack.
        uri: ``s3://bucket/key`` or ``s3://bucket/prefix/``.

    Returns:
        Keys in the raw bucket, by ingest id.

    Raises:
        LocalStackError: the bucket is not in this stack, or there are no objects.
    """
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    try:
        entries = [
            entry
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for entry in page.get("Contents", [])
            if not entry["Key"].endswith("/")
        ]
        ids = {}
        # mappings first: each must exist before its dump arrives
        for entry in sorted(entries, key=lambda entry: not is_mapping(entry["Key"])):
            key, etag = entry["Key"], entry["ETag"]
            if bucket != RAW_BUCKET or not key.startswith(UPLOADS):
                source, key = {"Bucket": bucket, "Key": key}, f"{UPLOADS}{bucket}/{key}"
                s3.copy(source, RAW_BUCKET, key)
                etag = s3.head_object(Bucket=RAW_BUCKET, Key=key)["ETag"]
            if not is_mapping(key):
                ids[ingest_id_of(RAW_BUCKET, key, etag)] = key
    except AWS_ERRORS as error:
        message = f"{uri} cannot be read in this stack ({error}). Copy it here with `aws s3 cp`."
        raise LocalStackError(message, exit_code=2) from error
    if not ids:
        raise LocalStackError(f"There are no objects at {uri}.", exit_code=2)
    return ids
