"""Settings of the function that fetches the pictures of reviews."""

from pydantic import Field

from shared.serving.settings import ServingSettings
from shared.settings.pictures import ReviewPictureSettings


class PictureWorkerSettings(ReviewPictureSettings, ServingSettings):
    """Where pictures come from, how often a host is asked, and where they go."""

    collection_queue_url: str
    """Queue to which batches that are stored are reported."""
    picture_rate: float = Field(default=2.0, gt=0, le=1000)
    """Pictures per second of one host, for all workers together."""
    picture_fetchers: int = Field(default=1, ge=1)
    """Workers that run at the same time; each keeps to its share of the rate."""
