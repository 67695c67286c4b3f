"""The frame of every service: errors as problems, limits, ``GET /health``."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI, Response

from shared.http import problems
from shared.http.collector import settle
from shared.http.edge import Edge
from shared.http.openapi import PROBLEM_RESPONSES, tidied
from shared.schemas.health import Check, Health


def service_version() -> str:
    """Version of the installed package; ``0+unknown`` where only the sources were shipped."""
    try:
        return version("reviewlens")
    except PackageNotFoundError:
        return "0+unknown"


class _Service(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, which says what is sent (shared.http.openapi)."""
        if self.openapi_schema is None:
            self.openapi_schema = tidied(super().openapi())
        return self.openapi_schema


def create_service(
    name: str,
    *,
    title: str,
    health: Callable[[], Health],
    max_body_bytes: int = 1_000_000,
) -> FastAPI:
    """Make the app of one service, to which its routes are then added.

    Args:
        name: Name of the service, as in ``/health`` and in logs.
        title: Title of its OpenAPI document.
        health: Tells the state now; may block, runs in a thread. When it raises, the service
            reports itself unavailable.
        max_body_bytes: Longest request body, in bytes, declared or not.

    Returns:
        An app that answers every error as ``application/problem+json`` (shared.http.problems)
        and refuses bodies that are not strict JSON (shared.http.edge).
    """
    app = _Service(
        lifespan=_settled,
        title=title,
        version=service_version(),
        redirect_slashes=False,
        responses=PROBLEM_RESPONSES,
    )
    problems.install(app)
    app.add_middleware(Edge, max_body_bytes=max_body_bytes)

    # as a gateway without a path of its own passes it on
    @app.get(f"/health/{name}", include_in_schema=False)
    @app.get("/health", tags=["health"], responses={503: {"model": Health}})
    def get_health(response: Response) -> Health:
        """State of the service and of what it needs."""
        found = _state(name, health)
        if found.status == "unavailable":
            response.status_code = 503
        return found

    return app


@asynccontextmanager
async def _settled(_app: FastAPI) -> AsyncIterator[None]:
    settle()
    yield


def _state(name: str, health: Callable[[], Health]) -> Health:
    try:
        return health()
    except Exception as error:  # noqa: BLE001 - a health route must answer whatever is broken
        problems.log.warning("health of %s cannot be told", name, exc_info=error)
        failed = {"health": Check(status="unavailable", detail=type(error).__name__)}
        return Health(status="unavailable", service=name, version=service_version(), checks=failed)
