"""Dependencies of inference."""

from dataclasses import dataclass
from functools import cache

from lambdas.inference.settings import InferenceSettings
from shared.observability.logs import configure_logging
from shared.runtime.cascade import SecondModel
from shared.serving.picture_files import PictureFiles
from shared.serving.query_pictures import Pictures
from shared.serving.state import ServingState


@dataclass(frozen=True)
class Dependencies:
    """Adapters of the inference service.

    ``second`` is the second model of a cascade. ``pictures`` reads pictures and gives them vectors;
    None if there is no picture model: then no picture is fetched.
    """

    state: ServingState
    second: SecondModel | None = None
    pictures: Pictures | None = None
    files: PictureFiles | None = None
    """The pictures of reviews."""


@cache
def build_dependencies() -> Dependencies:
    """Build the S3, ONNX Runtime and FAISS adapters once per process, from the environment."""
    from shared.runtime.loader import second_model
    from shared.runtime.threads import cores, encoder_threads
    from shared.serving.assembly import picture_model, serving_state
    from shared.storage.clients import client
    from shared.storage.objects import S3Store

    settings = InferenceSettings()
    configure_logging("inference", settings.log_level)
    artefacts = S3Store(client("s3"), settings.artefact_bucket)
    second = second_model(
        settings.second_model,
        settings.second_model_below,
        artefacts,
        settings.cache_dir,
        threads=encoder_threads(settings.encoder_threads),
        idle_threads=settings.encoder_threads or cores(),
    )
    return Dependencies(
        state=serving_state(settings),
        second=second,
        pictures=picture_model(settings),
        files=PictureFiles(artefacts),
    )
