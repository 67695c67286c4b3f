"""Settings of the inference function."""

from shared.serving.settings import ServingSettings


class InferenceSettings(ServingSettings):
    """Only the settings for serving: inference uses no database and no queue."""
