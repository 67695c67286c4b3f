"""What a browser may load on the page, and which of Gradio's routes are closed."""

import re
from collections.abc import Sequence

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.policy import CONTENT_SECURITY_POLICY, source_hash

_INLINE_SCRIPT = re.compile(r"(?is)<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>")
_CLOSED = re.compile(
    # these fetch an address that the caller names
    r"/gradio_api/(proxy=|file[=/].*:/"
    # these belong to Gradio's own development tools and to parts that the page does not use
    r"|dev/|vibe-|custom_component/|component_server|process_recording|profiling/|run-history/"
    r"|runs|stream/|deep_link)|/monitoring|/svelte/"
)
_SOURCES = {
    "default-src": "'self'",
    # Gradio compiles templates and handlers in the browser
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "media-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "frame-src": "'none'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


def page_policy(framed_by: Sequence[str] = (), scripts: Sequence[str] = ()) -> str:
    """The content security policy.

    Args:
        framed_by: origins whose pages may show this one in a frame.
        scripts: the inline scripts of the page; no others run.
    """
    hashes = " ".join(dict.fromkeys(map(source_hash, scripts)))
    sources = _SOURCES | {
        "script-src": f"{_SOURCES['script-src']} {hashes}".strip(),
        "frame-ancestors": " ".join(framed_by) or "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in sources.items())


class Policy:
    """ASGI middleware around Gradio: allows exactly its inline scripts, and closes routes."""

    def __init__(self, app: ASGIApp, *, framed_by: Sequence[str] = ()) -> None:
        self._app = app
        self._framed_by = framed_by

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as ASGI defines it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _CLOSED.match(scope["path"]):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
        elif scope["path"] == "/":
            await self._serve_page(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        plain = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if not message.get("more_body", False):
                scripts = _INLINE_SCRIPT.findall(body.decode("utf-8", "replace"))
                policy = page_policy(self._framed_by, scripts).encode()
                headers = [*start["headers"], (CONTENT_SECURITY_POLICY, policy)]
                await send({**start, "headers": headers})
                await send({"type": "http.response.body", "body": body})

        await self._app({**scope, "headers": plain}, receive, collect)
