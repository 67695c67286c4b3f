"""What ``ingest`` puts into the raw bucket: which files, under which keys, with which mapping."""

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
    """One file on its way; ``mapping`` is the body of its ``<key>.mapping.json``, if any."""

    path: Path
    key: str
    mapping: bytes | None

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size


def parse_mapping(text: str) -> dict[str, str]:
    """Read ``text=Opinion,rating=Grade``.

    Raises:
        LocalStackError: a part is no ``field=column``, or names no field; lists the fields.
    """
    from lambdas.collection.reading.schemas import FIELDS  # pyarrow comes along: not at start-up

    mapping: dict[str, str] = {}
    for part in text.split(","):
        field, equals, column = (piece.strip() for piece in part.partition("="))
        if not (equals and column) or field not in FIELDS:
            told = f"--map: {part.strip()!r} is no field=column; fields are {', '.join(FIELDS)}."
            raise LocalStackError(told, exit_code=2)
        mapping[field] = column
    return mapping


def plan_uploads(
    paths: Sequence[Path], *, prefix: str = "", mapping: Mapping[str, str] | None = None
) -> list[Upload]:
    """Files to upload: each path, and what lies in each folder (hidden files left out).

    A mapping is no dump, also where ``samples/*`` names it. One beside a file
    (``<file>.mapping.json``, else ``mapping.json``) goes along with it, unless ``mapping`` is
    given, which then holds for all of them.

    Raises:
        LocalStackError: a path is missing or cannot be read, two files would have one key, or
            there is nothing to upload.
    """
    plan: dict[str, Upload] = {}
    folder = UPLOADS + (f"{prefix.strip('/')}/" if prefix.strip("/") else "")
    given = json.dumps(dict(mapping)).encode() if mapping else None
    for path, name in _files(paths):
        key = folder + name
        if key in plan:
            told = f"{path} and {plan[key].path} would both be {key}: upload them apart (--prefix)."
            raise LocalStackError(told, exit_code=2)
        plan[key] = Upload(path, key, given or _mapping_beside(path))
    if not plan:
        raise LocalStackError("There is no file to ingest.", exit_code=2)
    return list(plan.values())


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    for path in paths:
        if path.is_dir():
            for found in sorted(path.rglob("*")):
                name = found.relative_to(path).as_posix()
                hidden = any(part.startswith(".") for part in name.split("/"))
                if found.is_file() and not hidden and not is_mapping(name):
                    yield _readable(found), name
        elif not is_mapping(_readable(path).name):
            yield path, path.name


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise LocalStackError(f"{path} does not exist.", exit_code=2)
    if not os.access(path, os.R_OK):
        raise LocalStackError(f"{path} may not be read.", exit_code=2)
    return path


def _mapping_beside(path: Path) -> bytes | None:
    for place in (path.with_name(f"{path.name}.{MAPPING_NAME}"), path.with_name(MAPPING_NAME)):
        if place.is_file():
            return place.read_bytes()
    return None


def send(s3: Any, upload: Upload, progress: Callable[[int], None]) -> str:
    """Upload one file, its mapping first; returns the ingest id that collection will give it.

    Args:
        s3: a boto3 client of the stack.
        upload: what to send.
        progress: told how many more bytes are there.

    Raises:
        LocalStackError: the bucket does not take it.
    """
    try:
        if upload.mapping is not None:
            mapping_key = f"{upload.key}.{MAPPING_NAME}"
            s3.put_object(Bucket=RAW_BUCKET, Key=mapping_key, Body=upload.mapping)
        s3.upload_file(str(upload.path), RAW_BUCKET, upload.key, Callback=progress)
        etag = s3.head_object(Bucket=RAW_BUCKET, Key=upload.key)["ETag"]
    except (*AWS_ERRORS, OSError) as error:
        raise LocalStackError(f"{upload.path} cannot be uploaded: {error}") from error
    return ingest_id_of(RAW_BUCKET, upload.key, etag)


def copy_into_raw(s3: Any, uri: str) -> dict[str, str]:
    """Have the objects of an ``s3://`` address collected.

    Those of other buckets, and their mappings, are copied below ``uploads/<bucket>/``.

    Args:
        s3: a boto3 client of the stack.
        uri: ``s3://bucket/key`` or ``s3://bucket/prefix/``.

    Returns:
        Key in the raw bucket by ingest id.

    Raises:
        LocalStackError: the bucket is not in this stack, or nothing lies there.
    """
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    try:
        found = [
            entry
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for entry in page.get("Contents", [])
            if not entry["Key"].endswith("/")
        ]
        ids = {}
        # mappings first: they must be there when their dump arrives
        for entry in sorted(found, key=lambda entry: not is_mapping(entry["Key"])):
            key, etag = entry["Key"], entry["ETag"]
            if bucket != RAW_BUCKET or not key.startswith(UPLOADS):
                source, key = {"Bucket": bucket, "Key": key}, f"{UPLOADS}{bucket}/{key}"
                s3.copy(source, RAW_BUCKET, key)
                etag = s3.head_object(Bucket=RAW_BUCKET, Key=key)["ETag"]
            if not is_mapping(key):
                ids[ingest_id_of(RAW_BUCKET, key, etag)] = key
    except AWS_ERRORS as error:
        told = f"{uri} cannot be read in this stack ({error}). Copy it here with `aws s3 cp`."
        raise LocalStackError(told, exit_code=2) from error
    if not ids:
        raise LocalStackError(f"Nothing lies at {uri}.", exit_code=2)
    return ids
