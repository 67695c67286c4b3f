"""Answers for scripts of other sites' pages, whose origins a setting lists."""

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.door import Incoming, incoming
from shared.schemas.cors import ALLOWED_HEADERS, EXPOSED_HEADERS, MAX_AGE_SECONDS, is_read


class Cors:
    """ASGI middleware of functions on AWS; API Gateway answers preflights itself."""

    def __init__(self, app: ASGIApp, *, origins: tuple[str, ...]) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the app; its answer says whether the page may read it."""
        request = incoming(scope) if scope["type"] == "http" else None
        origin = invited_origin(request, self._origins) if request else None
        if request is not None and origin is not None:
            send = allowing(request, origin, send)
        await self._app(scope, receive, send)


def invited_origin(request: Incoming, origins: tuple[str, ...]) -> str | None:
    """The origin of a page that may read the answer; None: no page of another site may.

    For a preflight, the request that it announces decides.
    """
    sent, method = request.values("origin"), _announced_method(request) or request.method
    is_invited = len(sent) == 1 and sent[0] in origins and is_read(method, request.path)
    return sent[0] if is_invited else None


def answer_preflight(request: Incoming) -> Response | None:
    """An empty answer to a preflight, for ``allowing``; None: the request is none."""
    return Response(status_code=204) if _announced_method(request) else None


def allowing(request: Incoming, origin: str, send: Send) -> Send:
    """Let a page of an origin read the answer that is sent."""

    async def send_allowing(message: Message) -> None:
        if message["type"] == "http.response.start":
            _allow(message, request, origin)
        await send(message)

    return send_allowing


def _allow(message: Message, request: Incoming, origin: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["access-control-allow-origin"] = origin
    # a cache must not give the answer for one origin to another one
    headers.add_vary_header("Origin")
    if method := _announced_method(request):
        headers["access-control-allow-methods"] = method
        headers["access-control-allow-headers"] = ", ".join(ALLOWED_HEADERS)
        headers["access-control-max-age"] = str(MAX_AGE_SECONDS)
    else:
        headers["access-control-expose-headers"] = ", ".join(EXPOSED_HEADERS)


def _announced_method(request: Incoming) -> str | None:
    """The method that a preflight announces; None: the request is none."""
    methods = request.values("access-control-request-method")
    return methods[0] if request.method == "OPTIONS" and len(methods) == 1 else None
