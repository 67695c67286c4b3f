"""Serves an ASGI application until the process is asked to stop."""

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.services.settings import MetricsSettings
from shared.errors import ReviewlensError
from shared.http.app import service_version
from shared.schemas.health import Check, Health

_GRACEFUL_SECONDS = 10


MoreMetrics = Callable[[Any], Callable[[], None]]
"""Adds metrics to a registry of Prometheus; returns what stops them."""


def serve(
    application: Any, host: str, port: int, *, name: str, more_metrics: MoreMetrics | None = None
) -> int:
    """Serve until SIGTERM or SIGINT; running requests are completed, for up to ten seconds.

    Args:
        application: the ASGI application.
        host: address to listen on.
        port: port to listen on.
        name: name of the service in its metrics.
        more_metrics: adds others, if metrics are asked for.

    Returns:
        The exit status: 0 after a stop, 3 if the application did not start.

    Raises:
        ReviewlensError: metrics are asked for, and cannot be served.
    """
    metrics_port = MetricsSettings().metrics_port
    if metrics_port is None:
        return _serve(application, host, port)
    metrics, stop = _with_metrics(application, name, host, metrics_port)
    stop_more = more_metrics(metrics.registry) if more_metrics else None
    try:
        return _serve(metrics, host, port)
    finally:
        stop()
        if stop_more:
            stop_more()


def _with_metrics(
    application: Any, name: str, host: str, port: int
) -> tuple[Any, Callable[[], None]]:
    try:
        from local.services.metrics import Metrics  # an extra
    except ImportError as error:
        raise ReviewlensError(
            "REVIEWLENS_METRICS_PORT needs the extra `observe`: pip install 'reviewlens[observe]'"
        ) from error
    metrics = Metrics(application, name)
    try:
        return metrics, metrics.serve(host, port)
    except OSError as error:
        message = f"REVIEWLENS_METRICS_PORT: port {port} cannot be used: {error.strerror}"
        raise ReviewlensError(message) from error


def _serve(application: Any, host: str, port: int) -> int:
    configuration = uvicorn.Config(
        application,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,  # a path may name a reviewer
        log_config=None,  # its messages are logged as ours
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
    )
    # uvicorn repeats the signal after the stop, which would end the process with a failure
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server = uvicorn.Server(configuration)
    server.run()
    return 0 if server.started else 3


def health_application(
    name: str,
    *,
    start: Callable[[], object],
    stop: Callable[[], object],
    problem: Callable[[], str | None],
) -> Starlette:
    """An application with ``GET /health`` alone, for a service without routes.

    Args:
        name: name of the service.
        start: starts its work.
        stop: ends its work; the application ends after it.
        problem: says what is wrong, None if nothing is.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await to_thread.run_sync(start)
        try:
            yield
        finally:
            await to_thread.run_sync(stop)

    def health(_: Request) -> JSONResponse:
        detail = problem()
        check = Check(status="unavailable" if detail else "ok", detail=detail)
        state = Health(
            status=check.status, service=name, version=service_version(), checks={"work": check}
        )
        return JSONResponse(state.model_dump(), 503 if detail else 200)

    return Starlette(routes=[Route("/health", health)], lifespan=lifespan)
