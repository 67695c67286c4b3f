"""Settings of the inference function."""

from shared.serving.settings import ServingSettings
from shared.settings.cascade import CascadeSettings


class InferenceSettings(CascadeSettings, ServingSettings):
    """The settings for serving and of a cascade: inference uses no database and no queue."""
