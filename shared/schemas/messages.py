"""Messages between functions, and the AWS events that contain them."""

from typing import Literal
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field

from shared.schemas.pictures import WantedPicture
from shared.schemas.sentiment import Side

MAX_RECEIVES = 10
"""Failed attempts after which a queue gives a message up; with shared/http/backoff.py: half an hour
of attempts."""


class QueueMessage(BaseModel):
    """A message that the application sends."""

    @property
    def group(self) -> str | None:
        """The work that shares a turn: SQS treats groups fairly; None: the message stands alone."""
        return None


class S3Object(BaseModel):
    """The object part of an S3 event record; ``key`` is still URL-encoded as S3 sends it."""

    model_config = ConfigDict(extra="ignore")

    key: str
    size: int = 0
    eTag: str = ""  # noqa: N815 - the name AWS uses
    sequencer: str = ""

    @property
    def decoded_key(self) -> str:
        """The decoded key (S3 encodes spaces as ``+`` and other characters as percent escapes)."""
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


class S3Notification(QueueMessage):
    """The body of an SQS message from S3; the ``s3:TestEvent`` has no records."""

    model_config = ConfigDict(extra="ignore")

    Records: list[S3Record] = Field(default_factory=list)
    Event: str | None = None


class S3BridgeObject(BaseModel):
    """The object of an EventBridge event of S3; ``key`` is not encoded."""

    model_config = ConfigDict(extra="ignore")

    key: str
    size: int = 0
    etag: str = ""


class S3BridgeDetail(BaseModel):
    """The ``detail`` of an EventBridge event of S3."""

    model_config = ConfigDict(extra="ignore")

    bucket: S3Bucket
    object: S3BridgeObject


class S3BridgeEvent(BaseModel):
    """An event that S3 sends to EventBridge."""

    model_config = ConfigDict(extra="ignore")

    detail_type: str = Field(alias="detail-type")
    detail: S3BridgeDetail


class ProcessShard(QueueMessage):
    """Asks processing to encode one clean shard; a repeated message has no effect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["process_shard"] = "process_shard"
    ingest_id: str
    part: int = Field(ge=0)
    key: str
    rows: int = Field(ge=0)

    @property
    def group(self) -> str:
        """Its ingest: shards of a large dump do not delay those of a small one."""
        return self.ingest_id


class UndoIngest(QueueMessage):
    """Asks collection to remove what came from an upload; no effect unless that was requested."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["undo_ingest"] = "undo_ingest"
    ingest_id: str


class RemoveExcluded(QueueMessage):
    """Asks collection to remove the rows of an excluded reviewer or product."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["remove_excluded"] = "remove_excluded"
    exclusion_id: str


class BuildIndex(QueueMessage):
    """Asks for an index of all embeddings; no effect if the index is up to date."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["build_index"] = "build_index"
    reason: str = ""
    force: bool = False
    """Build even if a new model has not embedded all reviews of the current index yet."""


class FetchPictures(QueueMessage):
    """Asks for the pictures of some reviews; a repeated message fetches nothing again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["fetch_pictures"] = "fetch_pictures"
    ingest_id: str
    first: int = Field(ge=0)
    """The first record of the batch, which names it."""
    pictures: list[WantedPicture]

    @property
    def group(self) -> str:
        """Its ingest: a large upload does not delay the pictures of a small one."""
        return self.ingest_id


class PicturesFetched(QueueMessage):
    """Reports that a batch of pictures is stored; a repeated message has no effect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["pictures_fetched"] = "pictures_fetched"
    ingest_id: str
    first: int = Field(ge=0)
    model_version: str
    """The model that embedded them."""
    opinions: dict[str, Side] = Field(default_factory=dict)
    """What its fusion head is sure that the pictures of a review say, by the review's id."""
