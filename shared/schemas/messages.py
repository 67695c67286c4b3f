"""Messages between functions, and the AWS event payloads that carry them."""

from typing import Literal
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field


class S3Object(BaseModel):
    """The object part of an S3 event record; ``key`` is still URL-encoded as S3 sends it."""

    model_config = ConfigDict(extra="ignore")

    key: str
    size: int = 0
    eTag: str = ""  # noqa: N815 - the name AWS uses
    sequencer: str = ""

    @property
    def decoded_key(self) -> str:
        """The real key (S3 encodes spaces as ``+`` and the rest as percent escapes)."""
        return unquote_plus(self.key)


class S3Bucket(BaseModel):
    """The bucket part of an S3 event record."""

    model_config = ConfigDict(extra="ignore")

    name: str


class S3Entity(BaseModel):
    """The ``s3`` part of an S3 event record."""

    model_config = ConfigDict(extra="ignore")

    bucket: S3Bucket
    object: S3Object


class S3Record(BaseModel):
    """One record of an S3 event notification."""

    model_config = ConfigDict(extra="ignore")

    eventName: str  # noqa: N815 - the name AWS uses
    s3: S3Entity


class S3Notification(BaseModel):
    """The body of an SQS message that S3 sent; the ``s3:TestEvent`` has no records."""

    model_config = ConfigDict(extra="ignore")

    Records: list[S3Record] = Field(default_factory=list)
    Event: str | None = None


class ProcessShard(BaseModel):
    """Asks processing to encode one clean shard. The same message twice does the work once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["process_shard"] = "process_shard"
    ingest_id: str
    part: int = Field(ge=0)
    key: str
    rows: int = Field(ge=0)


class BuildIndex(BaseModel):
    """Asks for an index over everything that is embedded; a current index makes it a no-op."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["build_index"] = "build_index"
    reason: str = ""
    force: bool = False
    """Do not wait until a new model has embedded what the current index holds."""
