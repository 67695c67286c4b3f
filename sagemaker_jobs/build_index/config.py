"""Parameters of one index build."""

from pydantic import Field

from sagemaker_jobs.score.config import ENVIRONMENT as _SCORE_ENVIRONMENT
from sagemaker_jobs.score.config import ScoreConfig

ENVIRONMENT = _SCORE_ENVIRONMENT | {
    "processing_queue_url": "REVIEWLENS_PROCESSING_QUEUE_URL",
    "refresh_seconds": "REVIEWLENS_POINTER_REFRESH_SECONDS",
}


class BuildIndexConfig(ScoreConfig):
    """Index what a model embedded; with ``activate``, make the model and that index current."""

    activate: bool = Field(
        default=False,
        description="score what is missing, build the index, then move both pointers",
    )
    force: bool = Field(default=False, description="activate although the gate has not passed")
    processing_queue_url: str = Field(default="", description="for activate: queue of shards")
    refresh_seconds: float = Field(
        default=5.0, ge=0, description="for activate: how late processing sees a new pointer"
    )
    wait_seconds: float = Field(
        default=60.0, ge=0, description="for activate: how long to wait for what came meanwhile"
    )
