"""Protects the local AWS, which checks no credentials, from web pages.

A page on the internet can point a host name at 127.0.0.1 (DNS rebinding) or post a form to it.
Requests with an untrusted Host or Origin header are refused, and so are requests to moto's own
control API, which can erase all data.
"""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

TRUSTED_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "testserver"})
_CONTROL_API = "/moto-api"


def is_trusted_host(host: str) -> bool:
    """Whether a Host header (or the host of an origin) refers to this machine."""
    try:
        return urlsplit(f"//{host}").hostname in TRUSTED_HOSTS
    except ValueError:
        return False


def is_trusted_origin(origin: str | None) -> bool:
    """Whether requests from this origin are allowed; None: not from a browser page."""
    return origin is None or is_trusted_host(origin.partition("://")[2])


class Guard:
    """WSGI middleware that answers 403 to requests that may come from a web page elsewhere."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Forward the request, or answer 403."""
        trusted = is_trusted_host(environ.get("HTTP_HOST", "")) and is_trusted_origin(
            environ.get("HTTP_ORIGIN")
        )
        if trusted and not environ.get("PATH_INFO", "").startswith(_CONTROL_API):
            return self._application(environ, start_response)
        body = b"<Error><Code>AccessDenied</Code><Message>Not from this machine</Message></Error>"
        start_response(
            "403 Forbidden",
            [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))],
        )
        return [body]
