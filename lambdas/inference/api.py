"""HTTP routes of inference."""

from collections.abc import Callable
from threading import Event
from typing import Annotated

from fastapi import Body, Depends, FastAPI, Header
from pydantic import WithJsonSchema

from lambdas.inference import service
from lambdas.inference.comprehend import (
    COMPREHEND,
    ComprehendJson,
    comprehend,
    operation_of,
)
from lambdas.inference.dependencies import Dependencies, build_dependencies
from lambdas.inference.embeddings import embed
from lambdas.inference.openai import OPENAI, openai_embeddings
from shared.http.app import create_service, service_version
from shared.http.dialects import Dialects
from shared.http.openapi import own_errors
from shared.schemas.api import (
    AnalyzeBatchRequest,
    AnalyzeBatchResponse,
    AnalyzeRequest,
    AnalyzeResponse,
)
from shared.schemas.comprehend import (
    MEDIA_TYPE,
    OPERATIONS,
    TARGET,
    ComprehendFailure,
    ComprehendRequest,
    ComprehendResponse,
)
from shared.schemas.embeddings import EmbeddingsRequest, EmbeddingsResponse
from shared.schemas.health import Health
from shared.schemas.openai import OpenAIEmbeddings, OpenAIEmbeddingsRequest, OpenAIError
from shared.schemas.picture import MAX_PICTURE_BODY_BYTES
from shared.serving.state import serving_health, with_second_model

Target = Annotated[
    str,
    Header(description="Name of the operation, with the version of the protocol."),
    WithJsonSchema({"type": "string", "enum": [f"{TARGET}.{name}" for name in OPERATIONS]}),
]


def _operation(x_amz_target: Target) -> str:
    return operation_of(x_amz_target)


def create_app(get_dependencies: Callable[[], Dependencies] = build_dependencies) -> FastAPI:
    """Create the inference app; the first request builds its dependencies."""

    def health() -> Health:
        adapters = get_dependencies()
        health = serving_health("inference", service_version(), adapters.state)
        return with_second_model(health, adapters.second)

    def keep_current(stopping: Event) -> None:
        get_dependencies().state.keep_current(stopping)

    app = create_service(
        "inference",
        title="Reviewlens inference",
        health=health,
        start=get_dependencies,
        background=keep_current,
        max_body_bytes=MAX_PICTURE_BODY_BYTES,
    )
    app.add_middleware(Dialects, dialects=[OPENAI, COMPREHEND])

    @app.post("/analyze", tags=["inference"])
    def analyze(request: AnalyzeRequest) -> AnalyzeResponse:
        """Sentiment of a text, a summary sentence, and the most similar reviews.

        A picture may stand beside the text or in its place. One that cannot be used never fails
        the request: a warning says why, and the answer is that to the text.
        """
        adapters = get_dependencies()
        snapshot, pictures = adapters.state.snapshot(), adapters.pictures
        return service.analyze(snapshot, request, adapters.second, pictures, adapters.files)

    @app.post("/analyze/batch", tags=["inference"])
    def analyze_batch(request: AnalyzeBatchRequest) -> AnalyzeBatchResponse:
        """Sentiment of up to 64 texts, each perhaps with a picture, in request order.

        A warning about one text begins with its place, such as `texts.1`.
        """
        adapters = get_dependencies()
        snapshot, pictures = adapters.state.snapshot(), adapters.pictures
        return service.analyze_batch(snapshot, request, adapters.second, pictures)

    @app.post("/embeddings", tags=["inference"])
    def embeddings(request: EmbeddingsRequest) -> EmbeddingsResponse:
        """Vectors of texts and pictures, by the models that answer requests.

        They have unit length, so that their scalar product is their cosine. Those of texts and
        pictures can be compared with each other.
        """
        adapters = get_dependencies()
        return embed(adapters.state.snapshot(), request, adapters.pictures)

    @app.post("/v1/embeddings", tags=["inference"], responses=own_errors(OpenAIError))
    def embeddings_v1(request: OpenAIEmbeddingsRequest) -> OpenAIEmbeddings:
        """Vectors of texts, for clients of OpenAI's API.

        The vectors are those of POST /embeddings. Errors have the shape of OpenAI's.
        """
        return openai_embeddings(get_dependencies().state.snapshot(), request)

    @app.post(
        "/comprehend",
        tags=["inference"],
        response_class=ComprehendJson,
        response_model_exclude_none=True,
        responses=own_errors(ComprehendFailure),
    )
    def comprehend_json(
        request: Annotated[ComprehendRequest, Body(media_type=MEDIA_TYPE)],
        operation: Annotated[str, Depends(_operation)],
    ) -> ComprehendResponse:
        """Sentiment of texts and of the aspects in them, for clients of Amazon Comprehend.

        The operation is in a header. Errors have the shape of Comprehend's, and all others of its
        operations are refused.
        """
        adapters = get_dependencies()
        return comprehend(adapters.state.snapshot(), operation, request, adapters.second)

    return app
