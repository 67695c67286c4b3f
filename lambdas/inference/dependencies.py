"""Dependencies of inference."""

from dataclasses import dataclass
from functools import cache

from lambdas.inference.settings import InferenceSettings
from shared.observability.logs import configure_logging
from shared.serving.state import ServingState


@dataclass(frozen=True)
class Dependencies:
    """Adapters of the inference service."""

    state: ServingState


@cache
def build_dependencies() -> Dependencies:
    """Build the S3, ONNX Runtime and FAISS adapters once per process, from the environment."""
    from shared.serving.assembly import serving_state

    settings = InferenceSettings()
    configure_logging("inference", settings.log_level)
    return Dependencies(state=serving_state(settings))
