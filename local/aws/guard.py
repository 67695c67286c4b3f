"""Keeps web pages out of the local AWS: it asks for no credentials.

A page on the internet can point a name at 127.0.0.1 (DNS rebinding) or post a form to it. Requests
under a foreign host name or from a foreign origin are refused, and so is moto's own control API,
which would erase all data.
"""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

TRUSTED_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "testserver"})
_CONTROL = "/moto-api"


def is_trusted_host(host: str) -> bool:
    """Whether a Host header (or the host of an origin) means this machine."""
    try:
        return urlsplit(f"//{host}").hostname in TRUSTED_HOSTS
    except ValueError:
        return False


def is_trusted_origin(origin: str | None) -> bool:
    """Whether a request may come from this origin; programs send none."""
    return origin is None or is_trusted_host(origin.partition("://")[2])


class Guard:
    """WSGI wrapper that answers 403 to what does not come from this machine's own programs."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Pass the request on, or answer 403."""
        trusted = is_trusted_host(environ.get("HTTP_HOST", "")) and is_trusted_origin(
            environ.get("HTTP_ORIGIN")
        )
        if trusted and not environ.get("PATH_INFO", "").startswith(_CONTROL):
            return self._application(environ, start_response)
        body = b"<Error><Code>AccessDenied</Code><Message>Not from this machine</Message></Error>"
        start_response(
            "403 Forbidden",
            [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))],
        )
        return [body]
