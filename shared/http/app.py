"""Creates the FastAPI app of a service: errors as problems, limits, ``GET /health``."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI, Response
from fastapi.telemetry import TelemetryConfig
from starlette.types import Message, Receive, Scope, Send

from shared.http import problems
from shared.http.collector import freeze_heap
from shared.http.cors import Cors
from shared.http.edge import Edge
from shared.http.guard import Guard
from shared.http.openapi import PROBLEM_RESPONSES, correct_document
from shared.http.settings import ApiDoorSettings
from shared.http.startup import Background, StartError, running
from shared.schemas.health import Check, Health

_NO_TELEMETRY: TelemetryConfig = {
    "auto_configure": False,
    "logs": False,
    "metrics": False,
    "operation_spans": False,
    "tracing": False,
}
"""FastAPI's own spans have the paths and queries of requests, and its logs the texts of errors."""


def service_version() -> str:
    """Version of the installed package; ``0+unknown`` if the package is not installed."""
    try:
        return version("reviewlens")
    except PackageNotFoundError:
        return "0+unknown"


class _Service(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, corrected by shared.http.openapi."""
        if self.openapi_schema is None:
            self.openapi_schema = correct_document(super().openapi())
        return self.openapi_schema

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection; a failed start is reported in one line, without a traceback."""
        if scope["type"] != "lifespan":
            await super().__call__(scope, receive, send)
            return

        async def send_briefly(message: Message) -> None:
            problem = getattr(self.state, "start_problem", None)
            if message["type"] == "lifespan.startup.failed" and problem:
                message = {**message, "message": problem}
            await send(message)

        await super().__call__(scope, receive, send_briefly)


def create_service(
    name: str,
    *,
    title: str,
    health: Callable[[], Health],
    start: Callable[[], object] = lambda: None,
    background: Background | None = None,
    max_body_bytes: int = 1_000_000,
) -> FastAPI:
    """Create the app of one service; the caller adds the routes.

    Args:
        name: name of the service in ``/health`` and in logs.
        title: title of its OpenAPI document.
        health: returns the current state; may block, runs in a thread. If it raises, the service
            reports itself as unavailable.
        start: builds what requests need; called when a server starts, not on Lambda.
        background: work of a server between requests, in a thread; not on Lambda.
        max_body_bytes: maximum size of a request body, with or without Content-Length.

    Returns:
        An app that returns every error as ``application/problem+json`` (shared.http.problems)
        and refuses bodies that are not strict JSON (shared.http.edge).
    """
    app = _Service(
        lifespan=_lifespan(name, start, background),
        title=title,
        version=service_version(),
        redirect_slashes=False,
        responses=PROBLEM_RESPONSES,
        telemetry=_NO_TELEMETRY,
    )
    problems.install_handlers(app)
    app.add_middleware(Edge, max_body_bytes=max_body_bytes)
    settings = ApiDoorSettings()
    if _is_on_one_machine():
        app.add_middleware(Guard, door=settings.door(), origins=settings.origins())
    elif settings.cors_origins:
        app.add_middleware(Cors, origins=settings.origins())

    # the path that a gateway without path mapping forwards
    @app.get(f"/health/{name}", include_in_schema=False)
    @app.get("/health", tags=["health"], responses={503: {"model": Health}})
    def get_health(response: Response) -> Health:
        """State of the service and of its dependencies.

        The HTTP status is 503 if it is `unavailable`; the body is the same.
        """
        state = _state(name, health)
        if state.status == "unavailable":
            response.status_code = 503
        return state

    return app


def _is_on_one_machine() -> bool:
    """Whether this is a server in the environment of ``reviewlens env``, and no function."""
    environment = os.environ.get("REVIEWLENS_ENVIRONMENT")
    return environment == "local" and "AWS_LAMBDA_FUNCTION_NAME" not in os.environ


def _lifespan(
    name: str, start: Callable[[], object], background: Background | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with running(name, start, background):
                freeze_heap()
                yield
        except StartError as error:
            app.state.start_problem = str(error)
            raise

    return lifespan


def _state(name: str, health: Callable[[], Health]) -> Health:
    try:
        return health()
    except Exception as error:  # noqa: BLE001 - the health route must always answer
        problems.log.warning("the health check of %s failed", name, exc_info=error)
        failed = {"health": Check(status="unavailable", detail=type(error).__name__)}
        return Health(status="unavailable", service=name, version=service_version(), checks=failed)
