"""Routes of the retrieval service."""

from functools import cache
from typing import Annotated

from fastapi import Body, FastAPI
from pydantic import BaseModel, ConfigDict, Field

from lambdas.retrieval import service
from lambdas.retrieval.dependencies import Dependencies, build_dependencies
from lambdas.retrieval.settings import RetrievalSettings
from shared.http.app import create_service
from shared.schemas.api import Accepted, SearchRequest, SearchResponse
from shared.schemas.health import Health


class BuildIndexRequest(BaseModel):
    """Body of POST /build_index; it may be left out."""

    model_config = ConfigDict(extra="ignore")

    force: bool = Field(
        False, description="do not wait until a new model has embedded what the index holds"
    )


def create_app(dependencies: Dependencies | None = None) -> FastAPI:
    """Make the app; without dependencies, the real ones are made when the first request comes."""

    @cache
    def ports() -> Dependencies:
        return dependencies or build_dependencies(RetrievalSettings())

    def health() -> Health:
        return service.health(ports())

    app = create_service(service.NAME, title="Reviewlens retrieval", health=health)

    @app.post("/search_similar", tags=["retrieval"])
    def search_similar(request: SearchRequest) -> SearchResponse:
        """The reviews most like a text, among those that the filters hold for."""
        return service.search(ports().state.snapshot(), request)

    @app.post("/build_index", status_code=202, tags=["retrieval"])
    def build_index(request: Annotated[BuildIndexRequest | None, Body()] = None) -> Accepted:
        """Queue a build of the index over everything that is processed."""
        return service.request_build(ports(), force=request is not None and request.force)

    return app
