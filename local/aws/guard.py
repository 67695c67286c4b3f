"""Protects the local AWS: from web pages (shared.http.door), and from programs without its keys."""

from collections.abc import Callable, Iterable
from html import escape
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler

from local.aws.forms import check_form, is_form
from local.aws.signature import SignatureError, check_signature
from local.credentials import AwsKeys
from shared.http.door import Door, Incoming

HEADERS_KEY = "reviewlens.headers"
"""Where the environment has the headers as they arrived: WSGI joins, renames and drops some."""
_CLOSED = ("/moto-api", "/favicon.ico", "/latest/")
_STATUSES = {403: "403 Forbidden", 421: "421 Misdirected Request"}


class RequestHandler(MotoRequestHandler):  # type: ignore[misc]
    """Adds the headers as they arrived."""

    def make_environ(self) -> dict[str, Any]:
        """The WSGI environment."""
        environ: dict[str, Any] = super().make_environ()
        environ[HEADERS_KEY] = [(name.lower(), value) for name, value in self.headers.items()]
        # werkzeug takes the host from an absolute URL and would hide that of the header
        if not environ["REQUEST_URI"].startswith("/"):
            environ[HEADERS_KEY].append(("host", "absolute URL"))
        return environ


class Guard:
    """WSGI middleware that refuses requests of web pages, and those without a valid signature."""

    def __init__(
        self, application: Callable[..., Iterable[bytes]], *, door: Door, keys: AwsKeys
    ) -> None:
        self._application = application
        self._door = door
        self._keys = keys

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Forward the request, or refuse it."""
        request = incoming(environ)
        if refusal := self._door.refusal(request):
            return refuse(start_response, refusal.detail, status=refusal.status)
        if request.path.startswith(_CLOSED):
            return refuse(start_response, "This API is closed.")
        is_unsigned_form = is_form(request) and not request.values("authorization")
        check = check_form if is_unsigned_form else check_signature
        try:
            check(request, environ, self._keys)
        except SignatureError as error:
            return refuse(start_response, str(error), code=error.code)
        return self._application(environ, start_response)


def incoming(environ: dict[str, Any]) -> Incoming:
    """What decides about the request of a WSGI environment."""
    return Incoming(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        headers=environ[HEADERS_KEY],
        port=int(environ["SERVER_PORT"]),
    )


def refuse(
    start_response: Any, detail: str, *, status: int = 403, code: str = "AccessDenied"
) -> Iterable[bytes]:
    """Answer in S3's format."""
    body = f"<Error><Code>{code}</Code><Message>{escape(detail)}</Message></Error>".encode()
    headers = {
        "Content-Type": "application/xml",
        "Content-Length": str(len(body)),
        "X-Content-Type-Options": "nosniff",
    }
    start_response(_STATUSES[status], list(headers.items()))
    return [body]
