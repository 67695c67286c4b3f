"""Routes of the inference service."""

from functools import cache

from fastapi import FastAPI

from lambdas.inference import service
from lambdas.inference.dependencies import Dependencies, build_dependencies
from lambdas.inference.settings import InferenceSettings
from shared.http.app import create_service, service_version
from shared.schemas.api import (
    AnalyzeBatchRequest,
    AnalyzeBatchResponse,
    AnalyzeRequest,
    AnalyzeResponse,
)
from shared.schemas.health import Health
from shared.serving.state import serving_health

NAME = "inference"


def create_app(dependencies: Dependencies | None = None) -> FastAPI:
    """Make the app; without dependencies, the real ones are made when the first request comes."""

    @cache
    def ports() -> Dependencies:
        return dependencies or build_dependencies(InferenceSettings())

    def health() -> Health:
        return serving_health(NAME, service_version(), ports().state)

    app = create_service(NAME, title="Reviewlens inference", health=health)

    @app.post("/analyze", tags=["inference"])
    def analyze(request: AnalyzeRequest) -> AnalyzeResponse:
        """Sentiment of a text, a sentence about it, and the reviews most like it."""
        return service.analyze(ports().state.snapshot(), request)

    @app.post("/analyze/batch", tags=["inference"])
    def analyze_batch(request: AnalyzeBatchRequest) -> AnalyzeBatchResponse:
        """Sentiment of up to 64 texts, in their order."""
        return service.analyze_batch(ports().state.snapshot(), request)

    return app
