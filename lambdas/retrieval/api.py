"""HTTP routes of retrieval."""

from collections.abc import Callable
from threading import Event
from typing import Annotated

from fastapi import Body, FastAPI
from pydantic import ConfigDict

from lambdas.retrieval import builds, service
from lambdas.retrieval.dependencies import Dependencies, build_dependencies
from shared.http.app import create_service
from shared.schemas.api import Accepted
from shared.schemas.documented import Documented
from shared.schemas.health import Health
from shared.schemas.picture import MAX_PICTURE_BODY_BYTES
from shared.schemas.review_pictures import ReviewPicturesRequest, ReviewPicturesResponse
from shared.schemas.search import SearchRequest, SearchResponse
from shared.schemas.values import Flag
from shared.serving.picture_files import PictureFiles


class BuildIndexRequest(Documented):
    """Optional body of POST /build_index."""

    model_config = ConfigDict(extra="ignore")

    force: Flag = False
    """Whether to build although a new model has not yet embedded all reviews of the current
    index, so that the next index lacks some of them."""


def create_app(get_dependencies: Callable[[], Dependencies] = build_dependencies) -> FastAPI:
    """Create the retrieval app; the first request builds its dependencies."""

    def health() -> Health:
        return service.health(get_dependencies())

    def keep_current(stopping: Event) -> None:
        get_dependencies().state.keep_current(stopping)

    app = create_service(
        service.NAME,
        title="Reviewlens retrieval",
        health=health,
        start=get_dependencies,
        background=keep_current,
        max_body_bytes=MAX_PICTURE_BODY_BYTES,
    )

    @app.post("/search_similar", tags=["retrieval"])
    def search_similar(request: SearchRequest) -> SearchResponse:
        """The reviews most similar to a text or a picture, among those that match the filters.

        A review is as near as its text or its nearest picture. With a text and a picture, those
        near the direction between both come first.
        """
        adapters = get_dependencies()
        files = PictureFiles(adapters.artefacts)
        return service.search(adapters.state.snapshot(), request, adapters.pictures, files)

    @app.post("/review_pictures", tags=["retrieval"])
    def review_pictures(request: ReviewPicturesRequest) -> ReviewPicturesResponse:
        """One picture of each of up to 50 reviews, encoded anew by this service.

        Reviews without a picture in the index are left out. Pictures are fetched only from hosts
        that an operator names.
        """
        adapters = get_dependencies()
        files = PictureFiles(adapters.artefacts)
        return service.pictures_of(adapters.state.snapshot(), request, files)

    @app.post("/build_index", status_code=202, tags=["retrieval"])
    def build_index(request: Annotated[BuildIndexRequest | None, Body()] = None) -> Accepted:
        """Queue an index build over all processed reviews.

        It does nothing if the current index has them all. Processing requests one by itself when
        an ingest is processed.
        """
        force = request is not None and request.force
        return builds.request_build(get_dependencies(), force=force)

    return app
