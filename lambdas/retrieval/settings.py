"""Settings of the retrieval function."""

from shared.serving.settings import ServingSettings


class RetrievalSettings(ServingSettings):
    """Retrieval also asks for index builds, and does them when the queue says so."""

    index_queue_url: str
    """Queue of requests for an index build."""
