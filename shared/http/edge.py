"""Middleware around the routes: body limits, JSON check, and responses to unexpected errors.

Plain ASGI: a middleware that wraps responses in task groups would cost more than the routes do.
"""

from email.message import Message as Header

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import problem, problem_response, unexpected_problem
from shared.observability.correlation import correlate, correlation_id
from shared.schemas.cors import CORRELATION_HEADER

_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def _header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key.lower() == name:
            return bytes(value)
    return b""


def _is_json(content_type: bytes) -> bool:
    if content_type == b"application/json":
        return True
    header = Header()
    header["content-type"] = content_type.decode("latin-1").replace("\n", " ").replace("\r", " ")
    media_type = header.get_content_type()
    return media_type.startswith("application/") and (
        media_type == "application/json" or "+json" in media_type
    )


class _Refused(Exception):  # noqa: N818 - carries a response
    def __init__(self, response: Response) -> None:
        self.response = response


async def _read_body(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    """Read the whole body; returns None if the client disconnected.

    Raises:
        _Refused: the body is longer than ``limit`` bytes, even if Content-Length is smaller.
    """
    too_large = _Refused(
        problem_response(
            problem(413, "too_large", f"The body is larger than {limit} bytes."),
            {"Connection": "close"},
        )
    )
    content_length = _header(scope, b"content-length")
    if content_length.isdigit() and int(content_length[:20]) > limit:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _check_json(scope: Scope, body: bytes) -> None:
    """Refuse a body that is not strict JSON (UTF-8, no NaN, no lone surrogates, limited depth)."""
    if not body:
        return
    if not _is_json(_header(scope, b"content-type")):
        detail = "Send the body as application/json."
        raise _Refused(problem_response(problem(415, "unsupported_media_type", detail)))
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        detail = f"The body is not valid JSON: {error.msg} (at character {error.pos})."
        raise _Refused(problem_response(problem(400, "invalid_json", detail))) from error


class Edge:
    """ASGI middleware that bounds and checks bodies, and answers every exception."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self._app = app
        self._limit = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or pass it on to the app."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # a function has that of its event already
        with correlate(correlation_id()) as chosen:
            await self._serve(scope, receive, _marking(send, chosen))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            if scope["method"] in _METHODS_WITH_BODY:
                body = await _read_body(scope, receive, self._limit)
                if body is None:
                    return
                _check_json(scope, body)
                receive = _replay(body, receive)
            await self._app(scope, receive, send_and_note)
        except _Refused as refused:
            await refused.response(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - handles all unexpected errors
            response = problem_response(unexpected_problem(error))
            if not started:
                await response(scope, receive, send)


def _marking(send: Send, chosen: str) -> Send:
    """Add the correlation id to the headers of the answer."""

    async def send_marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            header = (CORRELATION_HEADER.encode(), chosen.encode())
            message = {**message, "headers": [*message["headers"], header]}
        await send(message)

    return send_marked


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that first delivers an already read body."""
    delivered = False

    async def replay() -> Message:
        nonlocal delivered
        if delivered:
            return await receive()
        delivered = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
