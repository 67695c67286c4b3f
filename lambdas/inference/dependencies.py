"""What inference works with; made once per process, when the first event comes."""

from dataclasses import dataclass
from functools import lru_cache

from lambdas.inference.settings import InferenceSettings
from shared.serving.state import ServingState


@dataclass(frozen=True)
class Dependencies:
    """Ports of the inference service."""

    state: ServingState


@lru_cache(maxsize=1)
def build_dependencies(settings: InferenceSettings) -> Dependencies:
    """Make the real adapters (S3, ONNX Runtime, FAISS)."""
    from shared.observability.logs import configure_logging
    from shared.serving.assembly import serving_state

    configure_logging("inference", settings.log_level)
    return Dependencies(state=serving_state(settings))
