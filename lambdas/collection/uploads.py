"""Uploads through the API: where a dump may be put, and for how long."""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lambdas.collection.arrivals import MAPPING_NAME, is_mapping
from lambdas.collection.dependencies import Dependencies
from lambdas.collection.reading.schemas import FIELDS
from shared.errors import InvalidInputError
from shared.schemas.collection import UploadTarget
from shared.storage.layout import WEB_UPLOADS

VALID_SECONDS = 15 * 60
"""How long what is signed holds: a slow line's time for a gigabyte, and no more."""
MOST_BYTES = 5 * 10**9
"""S3 takes no more in one POST."""
_PLAIN = frozenset(" .,_-+=@()[]&'!")


def _file_name(name: str) -> str:
    """One plain name: no path, no ``${filename}`` (S3 fills it in), nothing that cannot be seen."""
    if name[0] in " ." or name[-1] == " " or not all(c.isalnum() or c in _PLAIN for c in name):
        raise ValueError("must be a plain file name: letters, digits, spaces and . , _ - + = @ ( )")
    if is_mapping(name):
        raise ValueError("is the name of a mapping; send the columns in mapping")
    return name


def _columns(mapping: dict[str, str]) -> dict[str, str]:
    unknown = sorted(set(mapping) - set(FIELDS))
    if unknown or not mapping:
        raise ValueError(f"must name columns of these fields: {', '.join(FIELDS)}")
    return mapping


Column = Annotated[str, Field(min_length=1, max_length=256)]


class UploadRequest(BaseModel):
    """What is to be uploaded; ``mapping`` says which column is which field, where names differ."""

    model_config = ConfigDict(extra="forbid")

    filename: Annotated[
        str,
        Field(min_length=1, max_length=200, examples=["reviews.jsonl.gz"]),
        AfterValidator(_file_name),
    ]
    bytes: int = Field(ge=1, le=MOST_BYTES, description="Length of the file")
    mapping: Annotated[dict[str, Column], AfterValidator(_columns)] | None = None


def prepare_upload(dependencies: Dependencies, request: UploadRequest) -> UploadTarget:
    """Sign one upload; its mapping is stored beside the place, so it is there before the dump.

    Raises:
        InvalidInputError: the file is longer than this service takes; names the field.
        UnavailableError: S3 does not take the mapping.
    """
    most = dependencies.max_upload_bytes
    if request.bytes > most:
        told = f"must be at most {most}, the longest upload that is taken here"
        raise InvalidInputError(told, details={"field": "bytes"})
    now = datetime.now(UTC)
    # a folder of its own: nobody can overwrite, or guess, what another one uploads
    key = f"{WEB_UPLOADS}{now:%Y-%m-%d}-{secrets.token_hex(8)}/{request.filename}"
    if request.mapping:
        dependencies.raw.put(f"{key}.{MAPPING_NAME}", _mapping(request.mapping))
    signed = dependencies.raw.sign_upload(key, max_bytes=request.bytes, seconds=VALID_SECONDS)
    return UploadTarget(
        url=signed.url,
        fields=dict(signed.fields),
        key=key,
        expires_at=now + timedelta(seconds=VALID_SECONDS),
        max_bytes=request.bytes,
    )


def _mapping(mapping: Mapping[str, str]) -> bytes:
    return json.dumps(dict(mapping), ensure_ascii=False).encode()
