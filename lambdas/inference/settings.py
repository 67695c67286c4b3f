"""Settings of the inference function."""

from shared.serving.settings import ServingSettings
from shared.settings.cascade import CascadeSettings


class InferenceSettings(CascadeSettings, ServingSettings):
    """The settings for serving and of a cascade: inference uses no database and no queue."""

    image_fetch_function: str = ""
    """Name of the function that reads pictures for a model that uses them; empty: none."""
