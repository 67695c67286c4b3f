"""Settings of the inference function."""

from shared.serving.settings import ServingSettings


class InferenceSettings(ServingSettings):
    """Inference needs the artefact bucket and nothing else: no database, no queue."""
