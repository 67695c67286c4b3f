"""What happens to every request before and after the routes: limits, JSON check, last catch.

Plain ASGI: a middleware that wraps responses in task groups would cost more than the routes do.
"""

from email.message import Message as Header

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import problem, problem_response, unexpected

_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


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
    kind = header.get_content_type()
    return kind.startswith("application/") and (kind == "application/json" or "+json" in kind)


class _Refused(Exception):  # noqa: N818 - carries an answer, not a fault
    def __init__(self, response: Response) -> None:
        self.response = response


async def _read_body(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None when the client went away.

    Raises:
        _Refused: it is longer than ``limit`` bytes, whatever Content-Length said.
    """
    refused = _Refused(
        problem_response(
            problem(413, "too_large", f"The body is larger than {limit} bytes."),
            {"Connection": "close"},
        )
    )
    declared = _header(scope, b"content-length")
    if declared.isdigit() and int(declared[:20]) > limit:
        raise refused
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise refused
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _check_json(scope: Scope, body: bytes) -> None:
    """Refuse a body that is not strict JSON (UTF-8, no NaN, no lone surrogates, not too deep)."""
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
    """ASGI middleware: bodies are bounded JSON, and no exception leaves without an answer."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self._app = app
        self._limit = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            if scope["method"] in _WITH_BODY:
                body = await _read_body(scope, receive, self._limit)
                if body is None:
                    return
                _check_json(scope, body)
                receive = _replay(body, receive)
            await self._app(scope, receive, watched)
        except _Refused as refused:
            await refused.response(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the one place that answers for all of them
            answer = problem_response(unexpected(error))
            if not started:
                await answer(scope, receive, send)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives a body that was read already, then what the server says."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
