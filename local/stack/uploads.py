"""Uploads of ``ingest`` to the raw bucket of the stack."""

from collections.abc import Callable
from typing import Any

from local.dumps import Upload
from local.errors import LocalStackError
from local.names import RAW_BUCKET
from shared.schemas.ingest import ingest_id_of
from shared.storage.aws_errors import AWS_ERRORS, refused_request
from shared.storage.layout import MAPPING_NAME, UPLOADS, is_mapping


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
        raise LocalStackError(f"{upload.path} could not be uploaded: {_reason(error)}") from error
    return ingest_id_of(RAW_BUCKET, upload.key, etag)


def _reason(error: BaseException) -> str:
    """The message of the bucket if it refused the file, else that of the error."""
    refused = refused_request(error)
    message = refused.response.get("Error", {}).get("Message") if refused else None
    return message or str(error)


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
