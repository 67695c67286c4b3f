"""Parameters of an activation."""

from pydantic import Field

from sagemaker_jobs.score.config import ENVIRONMENT as _SCORE_ENVIRONMENT
from sagemaker_jobs.score.config import ScoreConfig

ENVIRONMENT = _SCORE_ENVIRONMENT | {
    "processing_queue_url": "REVIEWLENS_PROCESSING_QUEUE_URL",
    "refresh_seconds": "REVIEWLENS_POINTER_REFRESH_SECONDS",
    "picture_sha256": "REVIEWLENS_PICTURE_SHA256",
}


class ActivateConfig(ScoreConfig):
    """Score the reviews that a model has not scored, build its index, then make both current."""

    force: bool = Field(default=False, description="activate although the gate has not passed")
    processing_queue_url: str = Field(default="", description="queue of the shards to process")
    refresh_seconds: float = Field(
        default=5.0, ge=0, description="seconds until processing sees a moved pointer"
    )
    picture_sha256: str | None = Field(
        default=None, description="hash of the graph of the picture model that answers requests"
    )
    wait_seconds: float = Field(
        default=60.0, ge=0, description="seconds to wait for reviews that arrive during the switch"
    )
