"""HTTP routes of inference."""

from collections.abc import Callable
from threading import Event

from fastapi import FastAPI

from lambdas.inference import service
from lambdas.inference.dependencies import Dependencies, build_dependencies
from shared.http.app import create_service, service_version
from shared.schemas.api import (
    AnalyzeBatchRequest,
    AnalyzeBatchResponse,
    AnalyzeRequest,
    AnalyzeResponse,
)
from shared.schemas.health import Health
from shared.serving.state import serving_health


def create_app(get_dependencies: Callable[[], Dependencies] = build_dependencies) -> FastAPI:
    """Create the inference app; the first request builds its dependencies."""

    def health() -> Health:
        return serving_health("inference", service_version(), get_dependencies().state)

    def keep_current(stopping: Event) -> None:
        get_dependencies().state.keep_current(stopping)

    app = create_service(
        "inference",
        title="Reviewlens inference",
        health=health,
        start=get_dependencies,
        background=keep_current,
    )

    @app.post("/analyze", tags=["inference"])
    def analyze(request: AnalyzeRequest) -> AnalyzeResponse:
        """Sentiment of a text, a summary sentence, and the most similar reviews."""
        return service.analyze(get_dependencies().state.snapshot(), request)

    @app.post("/analyze/batch", tags=["inference"])
    def analyze_batch(request: AnalyzeBatchRequest) -> AnalyzeBatchResponse:
        """Sentiment of up to 64 texts, in request order."""
        return service.analyze_batch(get_dependencies().state.snapshot(), request)

    return app
