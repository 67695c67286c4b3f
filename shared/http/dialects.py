"""Routes that follow the protocol of another API: their media types, and the shape of their errors.

The routes themselves know neither: they get JSON and raise the errors of all routes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import MEDIA_TYPE
from shared.schemas.api import Problem

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Dialect:
    """The protocol of the routes below a path."""

    segment: str
    """First segment of the path of its routes."""
    error: Callable[[Problem], Response]
    """The answer of that protocol to a problem."""
    media_type: str = _JSON
    """Media type of the bodies of requests; JSON is accepted in any case."""


class Dialects:
    """ASGI middleware around an application, also around its checks of bodies."""

    def __init__(self, app: ASGIApp, *, dialects: Sequence[Dialect]) -> None:
        self._app = app
        self._dialects = {dialect.segment: dialect for dialect in dialects}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; those of other routes are passed on as they are."""
        segment = scope.get("path", "").split("/", 2)[1:2]
        dialect = self._dialects.get(segment[0]) if segment else None
        if scope["type"] != "http" or dialect is None:
            await self._app(scope, receive, send)
            return
        if Headers(scope=scope).get("content-type", "").partition(";")[0] == dialect.media_type:
            others = [pair for pair in scope["headers"] if pair[0].lower() != b"content-type"]
            scope = {**scope, "headers": [*others, (b"content-type", _JSON.encode())]}
        await self._app(scope, receive, _Translation(dialect, send))


class _Translation:
    """A ``send`` that writes an answer in the dialect."""

    def __init__(self, dialect: Dialect, send: Send) -> None:
        self._dialect, self._send = dialect, send
        self._problem: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = Headers(raw=list(message["headers"]))
            if headers.get("content-type") == MEDIA_TYPE:
                self._problem = message
                return
        if self._problem is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._answer(self._problem)

    async def _answer(self, start: Message) -> None:
        response = self._dialect.error(Problem.model_validate_json(self._body))
        own = {name for name, _ in response.raw_headers}
        kept = [pair for pair in start["headers"] if pair[0].lower() not in own]
        headers = [*kept, *response.raw_headers]
        await self._send({**start, "status": response.status_code, "headers": headers})
        await self._send({"type": "http.response.body", "body": response.body})
