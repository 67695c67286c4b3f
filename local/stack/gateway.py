"""One HTTP door to the applications that the functions serve, as API Gateway is on AWS.

Run as ``python -m local.stack.gateway --fd N`` by the stack, on a socket that the stack has bound.
"""

import argparse
import asyncio
import importlib
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from local.aws.guard import is_trusted_host, is_trusted_origin
from local.stack.lifeline import tie_to_parent
from local.stack.openapi import merged
from shared.http.problems import MEDIA_TYPE, problem
from shared.schemas.health import Check, Health

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Service:
    """An application and the first path segments that lead to it."""

    name: str
    module: str
    segments: tuple[str, ...]


SERVICES = (
    Service("collection", "lambdas.collection.api", ("collect", "uploads")),
    Service("processing", "lambdas.processing.api", ("process", "embeddings")),
    Service("retrieval", "lambdas.retrieval.api", ("search_similar", "build_index")),
    Service("inference", "lambdas.inference.api", ("analyze",)),
    Service(
        "insights",
        "lambdas.insights.api",
        (
            *("products", "reviews", "trends", "movers", "segments", "drift"),
            *("aspects", "duplicates"),
        ),
    ),
    Service("training", "lambdas.training.api", ("train", "status")),
)
_HEALTH_SECONDS = 5.0


class Gateway:
    """ASGI application: routes by first path segment, answers health, refuses foreign hosts."""

    def __init__(self, applications: Mapping[str, Any]) -> None:
        """Prepare the routes.

        Args:
            applications: a FastAPI application for each service name.
        """
        self._applications = dict(applications)
        self._routes = {
            segment: applications[service.name]
            for service in SERVICES
            if service.name in applications
            for segment in service.segments
        }
        self._openapi: bytes | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as ASGI defines it."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._route(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if not is_trusted_host(headers.get(b"host", b"").decode("latin-1")):
            await _problem(send, 421, "untrusted_host", "This host name is not served here.")
            return
        origin = headers.get(b"origin")
        if scope["method"] not in ("GET", "HEAD") and not is_trusted_origin(
            None if origin is None else origin.decode("latin-1")
        ):
            await _problem(send, 403, "foreign_origin", "Pages of other sites may not post here.")
            return
        segments = [part for part in scope["path"].split("/") if part]
        application = self._routes.get(segments[0]) if segments else None
        if application is not None:
            await application(scope, receive, send)
        else:
            await self._own(scope, segments, send)

    async def _own(self, scope: Scope, segments: Sequence[str], send: Send) -> None:
        """Routes of the gateway itself, which are all for reading."""
        told = f"No route for {scope['method'][:20]} {scope['path'][:200]}"
        one = segments[1] if len(segments) == 2 and segments[0] == "health" else None
        if segments not in (["health"], ["openapi.json"]) and one not in self._applications:
            await _problem(send, 404, "route_not_found", told)
        elif scope["method"] not in ("GET", "HEAD"):
            await _problem(send, 405, "method_not_allowed", told, headers=[(b"allow", b"GET")])
        elif one is not None:
            status, body = await _ask(one, self._applications[one])
            await _json(send, status, body)
        elif segments == ["health"]:
            await _json(send, 200, await self.health())
        else:
            self._openapi = self._openapi or orjson.dumps(self.openapi())
            await _respond(send, 200, self._openapi, b"application/json")

    async def health(self) -> dict[str, Any]:
        """Health of all services: ``ok`` where each is, else ``degraded``."""
        names = list(self._applications)
        answers = await asyncio.gather(*(_ask(name, self._applications[name]) for name in names))
        services = {name: body for name, (_, body) in zip(names, answers, strict=True)}
        good = all(body.get("status") == "ok" for body in services.values())
        known = {
            field: next((body[field] for body in services.values() if body.get(field)), None)
            for field in ("version", "model_version", "index_version")
        }
        status = "ok" if good else "degraded"
        return {"status": status, "service": "gateway", **known, "services": services}

    def openapi(self) -> dict[str, Any]:
        """One OpenAPI document of all services and of the gateway's own routes."""
        return merged({name: app.openapi() for name, app in self._applications.items()}, _version())

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._started():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    @asynccontextmanager
    async def _started(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for application in self._applications.values():
                await stack.enter_async_context(application.router.lifespan_context(application))
            yield


async def _ask(name: str, application: Any) -> tuple[int, dict[str, Any]]:
    """GET /health of one application, without a network; an answer that is none counts as none."""
    import httpx

    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await asyncio.wait_for(client.get("/health"), _HEALTH_SECONDS)
            Health.model_validate_json(answer.content)
            return answer.status_code, answer.json()
    except (httpx.HTTPError, TimeoutError, ValueError) as error:
        detail = f"no answer: {type(error).__name__}"
        checks = {"answer": Check(status="unavailable", detail=detail)}
        health = Health(status="unavailable", service=name, version=_version(), checks=checks)
        return 503, health.model_dump()


async def _respond(
    send: Send, status: int, body: bytes, kind: bytes, headers: Headers = ()
) -> None:
    own = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})


async def _json(send: Send, status: int, value: Any) -> None:
    await _respond(send, status, orjson.dumps(value), b"application/json")


async def _problem(
    send: Send,
    status: int,
    code: str,
    detail: str,
    *,
    headers: Headers = (),
) -> None:
    body = problem(status, code, detail).model_dump_json(exclude_none=True)
    await _respond(send, status, body.encode("utf-8", "replace"), MEDIA_TYPE.encode(), headers)


def _version() -> str:
    from importlib.metadata import version

    return version("reviewlens")


def create_app() -> Gateway:
    """The gateway over every service; needs the environment of ``reviewlens env``."""
    return Gateway(
        {service.name: importlib.import_module(service.module).create_app() for service in SERVICES}
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True, help="listening socket to serve")
    options = parser.parse_args(arguments)
    tie_to_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import uvicorn

    logging.basicConfig(level=os.environ.get("REVIEWLENS_LOG_LEVEL", "INFO"))
    configuration = uvicorn.Config(
        create_app(),
        loop="uvloop",
        http="httptools",
        ws="none",  # whatever is installed: an upgrade is answered as the plain request it is
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=10,
        server_header=False,
    )
    uvicorn.Server(configuration).run(sockets=[socket.socket(fileno=options.fd)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
