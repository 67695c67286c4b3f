"""Parses the address of a picture strictly; what two parsers could read differently is refused."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin

from shared.errors import PictureError

_PORTS = {"https": 443, "http": 80}
_MAX_CHARACTERS = 2048
_MAX_HOST_CHARACTERS = 253
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)(?:#.*)?")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::([0-9]{1,5}))?")
_UNPRINTABLE = re.compile(r"[^!-~]|\\")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes; ``url`` is the base of a redirect."""

    scheme: str
    host: str
    port: int
    path: str
    url: str

    @property
    def host_header(self) -> str:
        """The value of the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str, *, ports: frozenset[int], http: bool = False) -> Target:
    """Parse an address.

    Args:
        url: the address.
        ports: ports that it may name.
        http: whether the scheme may be http.

    Raises:
        PictureError: the address is not one that is fetched; says why.
    """
    match = None if len(url) > _MAX_CHARACTERS or _UNPRINTABLE.search(url) else _URL.fullmatch(url)
    if match is None:
        raise PictureError("address_invalid", "its address is not a valid URL")
    scheme = match[1].lower()
    if scheme not in (_PORTS if http else {"https"}):
        allowed = "http and https" if http else "https"
        raise PictureError("address_refused", f"its address must start with {allowed}")
    if "@" in match[2]:
        raise PictureError("address_refused", "its address must not contain a user name")
    authority = _AUTHORITY.fullmatch(match[2])
    if authority is None or len(authority[1]) > _MAX_HOST_CHARACTERS:
        raise PictureError("address_invalid", "its address does not name a valid host")
    port = int(authority[2] or _PORTS[scheme])
    if port not in ports:
        raise PictureError("address_refused", f"its address must not name port {port}")
    path = match[3] if match[3].startswith("/") else f"/{match[3]}"
    host = authority[1].strip("[]").removesuffix(".").lower()
    return Target(scheme, host, port, path, url)


def redirected(target: Target, location: str) -> str:
    """The address to which a redirect leads; it must be parsed, as every other one."""
    try:
        # http.client reads headers as Latin-1; servers also write UTF-8, without encoding it
        encoded = quote(location.encode("latin-1"), safe="!#$%&'()*+,/:;=?@[]~\\")
        return urljoin(target.url, encoded)
    except ValueError as error:
        raise PictureError("address_invalid", "its address leads to an invalid one") from error
