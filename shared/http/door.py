"""Which requests a server on this machine answers: the page, the gateway and the local AWS.

Host, Origin and Fetch metadata decide. Programs send no Origin and no Sec-Fetch-Site, so they only
need the right Host; a request without one is refused, also with HTTP/1.0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared.http.hosts import AllowedHosts, Authority, is_same_origin

_FOREIGN_SITES = frozenset({"cross-site", "same-site"})
_READING_METHODS = frozenset({"GET", "HEAD"})
_OTHER_HOST = (
    "This server does not accept this host name. REVIEWLENS_ALLOWED_HOSTS can allow further ones."
)
_HTTP_PORT = 80
_OTHER_SITE = "Requests from pages of other sites are not allowed."


class Refusal(NamedTuple):
    """Why a request is refused."""

    status: int
    code: str
    detail: str


class Incoming(NamedTuple):
    """What decides about a request; names of headers are in lower case."""

    method: str
    path: str
    headers: Sequence[tuple[str, str]]
    port: int
    """The port on which it arrived."""

    def values(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key == name]


def incoming(scope: Mapping[str, Any]) -> Incoming:
    """What decides about the request of an ASGI scope."""
    server = scope.get("server") or (None, None)
    return Incoming(
        method=scope["method"],
        path=scope["path"],
        headers=[
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in scope["headers"]
        ],
        port=server[1] or _HTTP_PORT,
    )


@dataclass(frozen=True, slots=True)
class Door:
    """Decides about requests."""

    hosts: AllowedHosts = field(default_factory=AllowedHosts)
    unlinked: tuple[str, ...] = ()
    """Prefixes of paths to which pages of other sites may not even link."""
    frames: bool = False
    """Whether pages of other sites may show this one in a frame."""

    def refusal(self, request: Incoming, *, invited: bool = False) -> Refusal | None:
        """Why the request is refused; None: it is answered.

        Args:
            request: the request.
            invited: whether it comes from a page of another site that may send it.
        """
        hosts = request.values("host")
        host = Authority.parse(hosts[0]) if len(hosts) == 1 else None
        if host is None or not self.hosts.accept(host, request.port):
            return Refusal(421, "untrusted_host", _OTHER_HOST)
        if invited:
            return None
        is_own = all(is_same_origin(origin, host) for origin in request.values("origin"))
        is_foreign = not _FOREIGN_SITES.isdisjoint(request.values("sec-fetch-site"))
        if not is_own or (is_foreign and not self._is_link(request)):
            return Refusal(403, "foreign_origin", _OTHER_SITE)
        return None

    def _is_link(self, request: Incoming) -> bool:
        """Whether a visitor follows a link, so that the other site sees nothing of the answer."""
        targets = {"document", "iframe"} if self.frames else {"document"}
        return (
            request.method in _READING_METHODS
            and request.values("sec-fetch-mode") == ["navigate"]
            and targets.issuperset(request.values("sec-fetch-dest"))
            and not request.path.startswith(self.unlinked)
        )
