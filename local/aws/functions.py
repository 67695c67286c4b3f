"""Lambda's Invoke of the local AWS, for functions that others call directly."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from local.errors import LocalStackError

Function = Callable[[bytes], bytes]
"""Takes an event and returns the result, both in JSON; raises LocalStackError if it fails."""
_INVOKE = re.compile(r"/2015-03-31/functions/([A-Za-z0-9_-]{1,64})/invocations")
_MAX_EVENT_BYTES = 6 * 2**20


class Invocations:
    """WSGI middleware that calls functions, and forwards every other request."""

    def __init__(
        self,
        application: Callable[..., Iterable[bytes]],
        functions: Mapping[str, Function],
    ) -> None:
        self._application = application
        self._functions = functions

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer as Lambda, or forward the request."""
        match = _INVOKE.fullmatch(environ["PATH_INFO"])
        if match is None or environ["REQUEST_METHOD"] != "POST":
            return self._application(environ, start_response)
        function = self._functions.get(match[1])
        if function is None:
            return _answer(start_response, "404 Not Found", _problem("ResourceNotFoundException"))
        size = int(environ.get("CONTENT_LENGTH") or 0)
        if size > _MAX_EVENT_BYTES:
            status = "413 Request Entity Too Large"
            return _answer(start_response, status, _problem("RequestTooLargeException"))
        try:
            result = function(environ["wsgi.input"].read(size))
        except LocalStackError as error:
            body = orjson.dumps({"errorMessage": error.message, "errorType": "Runtime.ExitError"})
            header = ("X-Amz-Function-Error", "Unhandled")
            return _answer(start_response, "200 OK", (body, header))
        return _answer(start_response, "200 OK", (result, None))


def _problem(code: str) -> tuple[bytes, tuple[str, str]]:
    return orjson.dumps({"Type": "User", "Message": code}), ("x-amzn-ErrorType", code)


def _answer(
    start_response: Any, status: str, answer: tuple[bytes, tuple[str, str] | None]
) -> Iterable[bytes]:
    body, header = answer
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, [*headers, *([header] if header else [])])
    return [body]
