"""HTTP gateway in front of the functions' applications, in place of API Gateway on AWS.

The stack runs it as ``python -m local.stack.gateway --fd N``, on a socket that it has bound.
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
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field

from local.credentials import AwsKeys
from local.stack.docs_page import STYLE, docs_page, index_page
from local.stack.environment import TOKEN_VARIABLE
from local.stack.lifeline import tie_to_parent
from local.stack.machine import Machine, MachineState
from local.stack.openapi import merge_documents
from shared.http.guard import Guard
from shared.http.hosts import is_loopback
from shared.http.login import Login
from shared.http.policy import plain_policy, security_headers
from shared.http.problems import MEDIA_TYPE, problem
from shared.http.settings import ApiDoorSettings
from shared.http.startup import StartError
from shared.schemas.health import Check, Health

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Service:
    """An application and the first path segments that are routed to it."""

    name: str
    module: str
    segments: tuple[str, ...]
    deletions: tuple[str, ...] = ()
    """First segments below which DELETE is routed to it, and other methods to another service."""


SERVICES = (
    Service(
        "collection",
        "lambdas.collection.api",
        ("collect", "exclusions", "reviewers", "uploads"),
        deletions=("products",),
    ),
    Service("processing", "lambdas.processing.api", ("process",)),
    Service(
        "retrieval", "lambdas.retrieval.api", ("search_similar", "review_pictures", "build_index")
    ),
    Service("inference", "lambdas.inference.api", ("analyze", "comprehend", "embeddings", "v1")),
    Service(
        "insights",
        "lambdas.insights.api",
        (
            *("overview", "products", "reviews", "trends", "movers", "segments", "drift"),
            *("aspects", "duplicates"),
        ),
    ),
    Service("training", "lambdas.training.api", ("train", "status")),
)
_HEALTH_TIMEOUT_SECONDS = 4.5
_PAGE_HEADERS = security_headers(plain_policy(styles=[STYLE]))
_OWN_ROUTES: tuple[list[str], ...] = ([], ["docs"], ["health"], ["openapi.json"])


class GatewaySettings(ApiDoorSettings):
    """Settings of the gateway."""

    gateway_token: str = Field(default="", repr=False)
    """Token that requests must have; set by ``reviewlens up --login``."""


class Gateway:
    """ASGI application that routes by first path segment; ``guarded`` adds the checks."""

    def __init__(
        self,
        applications: Mapping[str, Any],
        read_machine: Callable[[], MachineState] | None = None,
    ) -> None:
        """Set up the routes.

        Args:
            applications: a FastAPI application for each service name.
            read_machine: reads queues, disks and the quarantine for /health; None: there are none.
        """
        self._applications = dict(applications)
        self._read_machine = read_machine
        self._routes = {
            segment: applications[service.name]
            for service in SERVICES
            if service.name in applications
            for segment in service.segments
        }
        self._deletions = {
            segment: applications[service.name]
            for service in SERVICES
            if service.name in applications
            for segment in service.deletions
        }
        self._openapi: bytes | None = None
        self._docs: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as ASGI defines it."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._route(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        segments = [part for part in scope["path"].split("/") if part]
        application = self._routes.get(segments[0]) if segments else None
        deletes = self._deletions.get(segments[0]) if len(segments) > 1 else None
        if deletes is not None and scope["method"] == "DELETE":
            await deletes(scope, receive, send)
        elif application is not None:
            await application(scope, receive, _allowing_delete(send) if deletes else send)
        else:
            await self._serve_own_route(scope, segments, send)

    async def _serve_own_route(self, scope: Scope, segments: Sequence[str], send: Send) -> None:
        """Serve the gateway's own pages, /health and /openapi.json, or answer with a problem."""
        detail = f"No route for {scope['method'][:20]} {scope['path'][:200]}"
        service = segments[1] if len(segments) == 2 and segments[0] == "health" else None
        if segments not in _OWN_ROUTES and service not in self._applications:
            await _problem(send, 404, "route_not_found", detail)
        elif scope["method"] not in ("GET", "HEAD"):
            await _problem(send, 405, "method_not_allowed", detail, headers=[(b"allow", b"GET")])
        elif service is not None:
            status, body = await _service_health(service, self._applications[service])
            await _json(send, status, body)
        elif segments == ["health"]:
            await _json(send, 200, await self.health())
        elif segments == ["openapi.json"]:
            self._openapi = self._openapi or orjson.dumps(self.openapi())
            await _respond(send, 200, self._openapi, b"application/json")
        else:
            self._docs = self._docs or docs_page(self.openapi())
            page = self._docs if segments else index_page(_version())
            await _respond(send, 200, page.encode(), b"text/html; charset=utf-8", _PAGE_HEADERS)

    async def health(self) -> dict[str, Any]:
        """Health of all services: ``ok`` if every service and check is, otherwise ``degraded``."""
        names = list(self._applications)
        machine, *responses = await asyncio.gather(
            self._machine(), *(_service_health(name, self._applications[name]) for name in names)
        )
        services = {name: body for name, (_, body) in zip(names, responses, strict=True)}
        states = [*services.values(), *machine["checks"].values()]
        is_ok = all(state.get("status") == "ok" for state in states)
        versions = {
            field: next((body[field] for body in services.values() if body.get(field)), None)
            for field in ("version", "model_version", "index_version")
        }
        status = "ok" if is_ok else "degraded"
        backlog = services.get("collection", {}).get("backlog")
        own = {"status": status, "service": "gateway", **versions, "backlog": backlog, **machine}
        return {**own, "services": services}

    async def _machine(self) -> dict[str, Any]:
        """Checks, queues, free space and quarantine of the machine."""
        if self._read_machine is None:
            return {"checks": {}}
        try:
            reading = asyncio.to_thread(self._read_machine)
            state = await asyncio.wait_for(reading, _HEALTH_TIMEOUT_SECONDS)
        except Exception as error:  # noqa: BLE001 - the health route must always answer
            detail = f"queues and disks cannot be read: {type(error).__name__}"
            check = Check(status="unavailable", detail=detail)
            return {"checks": {"machine": check.model_dump()}}
        return {
            "checks": {name: check.model_dump() for name, check in state.checks.items()},
            "queues": {name: queue.model_dump() for name, queue in state.queues.items()},
            "free_bytes": state.free_bytes,
            "quarantine": [file.model_dump() for file in state.quarantine],
        }

    def openapi(self) -> dict[str, Any]:
        """One OpenAPI document for all services and the gateway's own routes."""
        return merge_documents(
            {name: app.openapi() for name, app in self._applications.items()}, _version()
        )

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with self._running_applications():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except StartError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})

    @asynccontextmanager
    async def _running_applications(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for application in self._applications.values():
                await stack.enter_async_context(application.router.lifespan_context(application))
            yield


def _allowing_delete(send: Send) -> Send:
    """Add DELETE, which another service answers, to the methods in Allow."""

    async def send_allowing(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                (name, value + b", DELETE" if name == b"allow" else value)
                for name, value in message["headers"]
            ]
        await send(message)

    return send_allowing


async def _service_health(name: str, application: Any) -> tuple[int, dict[str, Any]]:
    """GET /health of one application in process; an invalid response counts as no response."""
    import httpx

    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            response = await asyncio.wait_for(client.get("/health"), _HEALTH_TIMEOUT_SECONDS)
            Health.model_validate_json(response.content)
            return response.status_code, response.json()
    except (httpx.HTTPError, TimeoutError, ValueError) as error:
        detail = f"no valid response: {type(error).__name__}"
        checks = {"answer": Check(status="unavailable", detail=detail)}
        health = Health(status="unavailable", service=name, version=_version(), checks=checks)
        return 503, health.model_dump()


async def _respond(
    send: Send, status: int, body: bytes, media_type: bytes, headers: Headers = ()
) -> None:
    standard = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*standard, *headers]})
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
    """The gateway with all services; needs the environment of ``reviewlens env``."""
    applications = {
        service.name: importlib.import_module(service.module).create_app() for service in SERVICES
    }
    endpoint, cache = os.environ.get("AWS_ENDPOINT_URL"), os.environ.get("REVIEWLENS_CACHE_DIR")
    if not (endpoint and cache):
        return Gateway(applications)
    machine = Machine(endpoint, Path(cache), AwsKeys.from_variables(os.environ))
    return Gateway(applications, machine.read)


def guarded(application: Application, settings: GatewaySettings) -> Guard:
    """The gateway behind the checks of hosts and origins, and the login if there is one."""
    login = Login(settings.gateway_token) if settings.gateway_token else None
    return Guard(application, door=settings.door(), login=login, origins=settings.origins())


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True, help="descriptor of the listening socket")
    options = parser.parse_args(arguments)
    tie_to_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = GatewaySettings()
    listener = socket.socket(fileno=options.fd)
    address = listener.getsockname()[0]
    if not is_loopback(address) and not settings.gateway_token:
        sys.stderr.write(f"{address} is not loopback: set {TOKEN_VARIABLE}.\n")
        return 2
    import uvicorn

    logging.basicConfig(level=os.environ.get("REVIEWLENS_LOG_LEVEL", "INFO"))
    configuration = uvicorn.Config(
        guarded(create_app(), settings),
        loop="uvloop",
        http="httptools",
        ws="none",  # an upgrade is handled as a plain request, whatever libraries are installed
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=10,
        server_header=False,
    )
    uvicorn.Server(configuration).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
