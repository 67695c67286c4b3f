"""Settings of the retrieval function."""

from shared.serving.settings import ServingSettings


class RetrievalSettings(ServingSettings):
    """Settings for serving and for index builds."""

    index_queue_url: str
    """Queue of requests for an index build."""
