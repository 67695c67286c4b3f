"""Signed uploads of dumps through the API."""

import base64
import json
import logging
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from lambdas.collection.dependencies import Dependencies
from lambdas.collection.preview import preview_dump
from lambdas.collection.reading import Limits, ReadOptions, split_mapping
from lambdas.collection.reading.members import head_of
from shared.errors import IngestError, InvalidInputError
from shared.schemas.collection import UploadTarget
from shared.schemas.documented import Documented
from shared.schemas.preview import PREVIEW_BYTES, Preview
from shared.schemas.review import MAPPING_FIELDS, MAPPING_OPTIONS
from shared.schemas.text import INVISIBLE
from shared.schemas.values import Integer
from shared.storage.layout import MAPPING_NAME, WEB_UPLOADS, is_mapping

log = logging.getLogger(__name__)
MAX_CONTENT = (PREVIEW_BYTES + 2) // 3 * 4
"""Characters of base64; with the other fields they fit into a request of one megabyte."""
_PREVIEW_ROWS = 2000
_NEEDS_ITS_END = re.compile(
    rb"PAR1|PK\x03\x04.{26}(?:\[Content_Types\]|_rels/|docProps/|xl/)", re.DOTALL
)
"""The beginning of a Parquet file or an Excel workbook, whose directory is at the end."""
_PREVIEW_LIMITS = Limits(max_bytes=64 * 2**20, cpu_seconds_floor=10)
SIGNATURE_SECONDS = 15 * 60
"""Lifetime of a signature: long enough for a gigabyte over a slow connection."""
MAX_POST_BYTES = 5 * 10**9
"""Limit of S3 for one POST."""
_REFUSED = INVISIBLE + r"\"#$%*/:;<>?\\^`{|}~"
_FILE_NAME = rf"^([^{_REFUSED}]| )+$"
"""Pattern of a plain name: no path, no ``${filename}`` (S3 expands it), nothing invisible."""
_NO_FILE_NAME = r"^[ .]| $"
_MAPPING_FILE = rf"(^|\.){re.escape(MAPPING_NAME)}$"


def _file_name(name: str) -> str:
    if not re.fullmatch(_FILE_NAME, name) or re.search(_NO_FILE_NAME, name):
        raise ValueError("must be a plain file name: letters, digits, spaces and . , _ - + = @ ( )")
    if is_mapping(name):
        raise ValueError(
            "must not be the name of a mapping file; send the columns in the mapping field"
        )
    return name


def _columns(mapping: dict[str, str]) -> dict[str, str]:
    unknown = sorted(set(mapping) - {*MAPPING_FIELDS, *MAPPING_OPTIONS})
    if unknown or not mapping:
        raise ValueError(
            f"must map one or more of these fields to a column: {', '.join(MAPPING_FIELDS)}"
        )
    return mapping


Column = Annotated[str, Field(min_length=1, max_length=256)]
ColumnMapping = Annotated[
    dict[str, Column],
    AfterValidator(_columns),
    Field(
        json_schema_extra={
            "propertyNames": {"enum": [*MAPPING_FIELDS, *MAPPING_OPTIONS]},
            "minProperties": 1,
        }
    ),
]


class UploadRequest(Documented):
    """A dump that is to be uploaded: its name, its size, and how to read it."""

    model_config = ConfigDict(extra="forbid")

    filename: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            examples=["reviews.jsonl.gz"],
            json_schema_extra={
                "pattern": _FILE_NAME,
                "not": {"pattern": f"{_NO_FILE_NAME}|{_MAPPING_FILE}"},
            },
        ),
        AfterValidator(_file_name),
    ]
    """Plain name of the file, without a folder; the end of its key. The format is detected from
    the content, not from the name."""
    bytes: Integer = Field(ge=1, le=MAX_POST_BYTES)
    """Size of the whole file in bytes. A setting of the service may allow less than 5 GB."""
    mapping: ColumnMapping | None = None
    """Field → the column that it comes from, for columns that are not recognised by their names,
    and options such as ``rating_scale``; docs/formats.md lists both. Null: none."""


class PreviewRequest(UploadRequest):
    """The file to preview: its first bytes, which may be all of it."""

    content: str = Field(
        min_length=1,
        max_length=MAX_CONTENT,
        json_schema_extra={"format": "byte", "contentEncoding": "base64"},
    )
    """The first bytes of the file in base64, at most 700,000 bytes; all of it if it is shorter."""


def preview_upload(request: PreviewRequest) -> Preview:
    """Read the beginning of a file as collection would read it.

    Raises:
        InvalidInputError: the content is not base64; names the field.
        IngestError: the content cannot be read as a dump; preview_unavailable if it is the
            beginning of a file that can only be read whole.
    """
    try:
        content = base64.b64decode(request.content, validate=True)
    except ValueError as error:
        message = "must be base64"
        raise InvalidInputError(message, details={"field": "content"}) from error
    is_cut = len(content) < request.bytes
    if is_cut and _NEEDS_ITS_END.match(head_of(content)):
        message = (
            f"a Parquet file or Excel workbook of more than {PREVIEW_BYTES:,} bytes has no "
            "preview, because it can only be read whole; it can be uploaded, and reviewlens ingest "
            "FILE --dry-run shows how it is read"
        )
        raise IngestError("preview_unavailable", message)
    mapping, hints = split_mapping(request.mapping)
    options = ReadOptions(mapping=mapping, hints=hints, limits=_PREVIEW_LIMITS)
    try:
        return preview_dump(
            BytesIO(content),
            name=request.filename,
            options=options,
            max_bytes=len(content),
            max_rows=_PREVIEW_ROWS,
            is_cut=is_cut,
        )
    except IngestError:
        raise
    except Exception as error:
        # the content is arbitrary: a flaw of a parser must not look like a failure of the service
        log.exception("a preview failed")
        raise IngestError("format_unknown", "the file cannot be read") from error


def prepare_upload(
    dependencies: Dependencies, request: UploadRequest, *, base_url: str
) -> UploadTarget:
    """Sign one upload; its mapping is stored beside the key now, before the dump arrives.

    Args:
        dependencies: adapters of collection.
        request: the file.
        base_url: the URL at which the caller asks, with a slash at its end.

    Raises:
        InvalidInputError: the file is larger than this service accepts; names the field.
        UnavailableError: S3 does not accept the mapping.
    """
    limit = dependencies.max_upload_bytes
    if request.bytes > limit:
        message = f"must be at most {limit}, the upload limit of this service"
        raise InvalidInputError(message, details={"field": "bytes"})
    now = datetime.now(UTC)
    # a random folder: users cannot overwrite or guess each other's uploads
    key = f"{WEB_UPLOADS}{now:%Y-%m-%d}-{secrets.token_hex(8)}/{request.filename}"
    if request.mapping:
        dependencies.raw.put(f"{key}.{MAPPING_NAME}", _encode_mapping(request.mapping))
    signed = dependencies.raw.sign_upload(key, max_bytes=request.bytes, seconds=SIGNATURE_SECONDS)
    return UploadTarget(
        url=f"{base_url}{dependencies.raw.bucket}" if dependencies.uploads_at_api else signed.url,
        fields=dict(signed.fields),
        key=key,
        expires_at=now + timedelta(seconds=SIGNATURE_SECONDS),
        max_bytes=request.bytes,
    )


def _encode_mapping(mapping: Mapping[str, str]) -> bytes:
    return json.dumps(dict(mapping), ensure_ascii=False).encode()
