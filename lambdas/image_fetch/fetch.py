"""Fetches the bytes at an address that a caller named, which may be hostile."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any, cast

from lambdas.image_fetch.connection import LimitedReader, connect
from lambdas.image_fetch.deadline import Deadline
from lambdas.image_fetch.resolver import Resolve, public_addresses, system_addresses
from lambdas.image_fetch.urls import Target, parse, redirected
from shared.errors import PictureError
from shared.pictures.limits import check_bytes
from shared.schemas.picture import MAX_PICTURE_BYTES
from shared.schemas.picture_hosts import check_host

_MAX_REDIRECTS = 3
_REDIRECTS = {301, 302, 303, 307, 308}
_OK = 200
_PLAIN_ENCODINGS = {"", "identity", "chunked"}
_MAX_HEAD_BYTES = 65_536
_MAX_FRAMING_BYTES = 1_000_000
"""Lines between the pieces of a chunked answer."""
_PIECE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches with the limits of its fields; ``context`` verifies the certificates."""

    context: ssl.SSLContext
    ports: frozenset[int]
    seconds: float = 5.0
    http: bool = False
    loopback: bool = False
    resolve: Resolve = system_addresses

    def fetch(self, url: str, hosts: str = "") -> bytes:
        """The bytes at an address, after at most three redirects.

        Args:
            url: the address.
            hosts: hosts that it and its redirects may name; empty: any that is public.

        Raises:
            PictureError: the address is refused, or the server does not send a usable answer.
        """
        deadline = Deadline(self.seconds)
        for _ in range(_MAX_REDIRECTS + 1):
            target = parse(url, ports=self.ports, http=self.http)
            if hosts:
                check_host(target.host, hosts)
            body, location = self._request(target, deadline)
            if location is None:
                return body
            url = redirected(target, location)
        message = f"its address leads to another one more than {_MAX_REDIRECTS} times"
        raise PictureError("address_refused", message)

    def _request(self, target: Target, deadline: Deadline) -> tuple[bytes, str | None]:
        """The body of the answer, or the address of a redirect."""
        addresses = public_addresses(
            target.host, target.port, self.resolve, deadline, loopback=self.loopback
        )
        with _plain_words(deadline), connect(target, addresses, self.context, deadline) as opened:
            opened.settimeout(deadline.remaining())
            opened.sendall(_head(target))
            return _answer(LimitedReader(opened, deadline, _MAX_HEAD_BYTES))


@contextmanager
def _plain_words(deadline: Deadline) -> Iterator[None]:
    """Raise the errors of a request as PictureError."""
    try:
        yield
    except TimeoutError as error:
        raise deadline.error() from error
    except ssl.SSLCertVerificationError as error:
        message = "the certificate of its server is not valid for this host"
        raise PictureError("fetch_failed", message) from error
    except OSError as error:
        message = "its server cannot be reached, or ended the connection"
        raise PictureError("fetch_failed", message) from error
    except (HTTPException, ValueError) as error:
        message = "its server did not send a complete and valid HTTP answer"
        raise PictureError("fetch_failed", message) from error


def _answer(reader: LimitedReader) -> tuple[bytes, str | None]:
    """The body of the answer, or the address of a redirect."""
    with HTTPResponse(cast("Any", reader), method="GET") as response:
        response.begin()
        if response.status in _REDIRECTS:
            return b"", response.headers.get("location", "")
        _check_head(response)
        reader.extend(MAX_PICTURE_BYTES + _MAX_FRAMING_BYTES)
        return _body(response), None


def _head(target: Target) -> bytes:
    lines = (
        f"GET {target.path} HTTP/1.1",
        f"Host: {target.host_header}",
        "User-Agent: Reviewlens",
        "Accept: image/jpeg, image/png, image/webp, image/gif, image/avif",
        "Accept-Encoding: identity",
        "Connection: close",
    )
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _check_head(response: HTTPResponse) -> None:
    if response.status != _OK:
        message = f"its server answered with status {response.status}"
        raise PictureError("fetch_failed", message)
    headers = response.headers
    for name in ("content-encoding", "transfer-encoding"):
        for encoding in headers.get_all(name, []):
            if encoding.strip().lower() not in _PLAIN_ENCODINGS:
                raise PictureError("fetch_failed", "its server sends it compressed")
    check_bytes(response.length or 0, MAX_PICTURE_BYTES)


def _body(response: HTTPResponse) -> bytes:
    declared, body = response.length, bytearray()
    while piece := response.read(_PIECE_BYTES):
        body += piece
        check_bytes(len(body), MAX_PICTURE_BYTES)
    if declared is not None and len(body) < declared:
        raise PictureError("fetch_failed", "its server did not send all of it")
    return bytes(body)
