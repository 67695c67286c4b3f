"""ASGI middleware of servers on this machine: the door, the login and the headers."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http import cors
from shared.http.door import Door, Incoming, incoming
from shared.http.login import Login, login_page, login_style, welcome_page
from shared.http.policy import plain_policy, security_headers
from shared.http.problems import problem, problem_response

_PASSED = "reviewlens.passed"
_NO_LOGIN = "Log in with the link that the terminal printed, or send its token as x-api-key."


class Guard:
    """Answers refused requests itself and adds headers to all answers."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        door: Door | None = None,
        login: Login | None = None,
        headers: Sequence[tuple[bytes, bytes]] | None = None,
        origins: tuple[str, ...] = (),
    ) -> None:
        """Wrap an application.

        Args:
            app: the application.
            door: decides about hosts and origins.
            login: None: everybody who reaches the server may use it.
            headers: added to answers that lack them; those of CORS are removed.
            origins: pages of other sites that may read answers; see shared.schemas.cors.
        """
        self._app = app
        self._door = door or Door()
        self._login = login
        self._origins = origins
        policy = plain_policy(styles=[login_style()])
        self._own = security_headers(policy)
        self._headers = security_headers(plain_policy()) if headers is None else list(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as ASGI defines it."""
        if scope["type"] == "lifespan" or scope.get(_PASSED):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:  # no application of ours has websockets
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = incoming(scope)
        origin = cors.invited_origin(request, self._origins)
        answer = self._answer(scope, request, invited=origin is not None)
        if origin is not None:
            send = cors.allowing(request, origin, send)
        if answer is None:
            # a service behind the gateway has a guard of its own, for when it runs alone
            await self._app({**scope, _PASSED: True}, receive, _adding(self._headers, send))
        else:
            await answer(scope, receive, _adding(self._own, send))

    def _answer(self, scope: Scope, request: Incoming, *, invited: bool) -> Response | None:
        """The answer of the guard itself; None: the application answers."""
        if refusal := self._door.refusal(request, invited=invited):
            return problem_response(problem(*refusal), {"Connection": "close"})
        if invited and (answer := cors.answer_preflight(request)):
            return answer
        if self._login is None or self._login.accept(request):
            return None
        query = scope.get("query_string", b"").decode("latin-1")
        if self._login.accept_link(request, query):
            cookie = self._login.cookie(request.port, secure=scope.get("scheme") == "https")
            headers = {"Set-Cookie": cookie, "Cache-Control": "no-store"}
            return HTMLResponse(welcome_page(scope["path"]), headers=headers)
        if any("text/html" in accepted for accepted in request.values("accept")):
            return HTMLResponse(login_page(), 401, {"Cache-Control": "no-store"})
        return problem_response(problem(401, "login_required", _NO_LOGIN), {"Connection": "close"})


def _adding(headers: Sequence[tuple[bytes, bytes]], send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept: list[Any] = [
                pair
                for pair in message.get("headers", ())
                if not pair[0].lower().startswith(b"access-control-")
            ]
            present = {name.lower() for name, _ in kept}
            added = [pair for pair in headers if pair[0] not in present]
            message = {**message, "headers": [*kept, *added]}
        await send(message)

    return send_with_headers
