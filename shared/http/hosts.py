"""Host names and origins that a server on this machine accepts.

A page on the internet can point its own host name at 127.0.0.1 (DNS rebinding). The browser then
takes our server for that page's own, so only the Host header shows who is really asked.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NAME = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
_AUTHORITY = re.compile(
    rf"(?:\[(?P<six>[0-9a-f:.]{{2,45}})\]|(?P<name>{_NAME}))(?::(?P<port>\d{{1,5}}))?", re.ASCII
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_CHARACTERS = 300
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Authority:
    """Host and port as in a Host header; ``port`` is None where none is written."""

    name: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Parse a Host header; None if it is not exactly a name or address and a port.

        User names, trailing dots, spaces and lists are refused: parsers disagree about them.
        """
        if len(text) > _MAX_CHARACTERS or not (match := _AUTHORITY.fullmatch(text.lower())):
            return None
        name, port = match["name"], None if match["port"] is None else int(match["port"])
        if match["six"] is not None:
            try:
                name = str(ipaddress.IPv6Address(match["six"]))
            except ValueError:
                return None
        return None if port and port > _MAX_PORT else cls(name, port)

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address, which no page can point elsewhere."""
        try:
            ipaddress.ip_address(self.name)
        except ValueError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The hosts that a server answers for; always those of this machine with the served port.

    ``names`` adds ``name``, ``name:port`` or ``*.name``; ``addresses`` adds every IP address with
    the served port, for a server that listens on all of them.
    """

    names: tuple[str, ...] = ()
    addresses: bool = False

    @classmethod
    def parse(cls, text: str, *, addresses: bool = False) -> Self:
        """Parse names that are separated by commas.

        Raises:
            ValueError: a part is not a name; names the part.
        """
        names = tuple(part.strip().lower() for part in text.split(",") if part.strip())
        for name in names:
            if not Authority.parse(name.removeprefix("*.")):
                raise ValueError(f"{name!r} must be a host, host:port or *.domain")
        return cls(names, addresses)

    def accept(self, host: Authority, port: int) -> bool:
        """Whether requests for this host are answered on a port."""
        is_here = host.name in LOOPBACK or (self.addresses and host.is_address)
        if is_here and (host.port or _DEFAULT_PORTS["http"]) == port:
            return True
        return any(_matches(name, host) for name in self.names)


def _matches(entry: str, host: Authority) -> bool:
    wanted = Authority.parse(entry.removeprefix("*."))
    if wanted is None or wanted.port not in (None, host.port):
        return False
    if entry.startswith("*."):
        return host.name.endswith(f".{wanted.name}")
    return host.name == wanted.name


def is_same_origin(origin: str, host: Authority) -> bool:
    """Whether an Origin header names the host that is asked; ``null`` names none."""
    scheme, separator, rest = origin.partition("://")
    place = Authority.parse(rest)
    default = _DEFAULT_PORTS.get(scheme.lower())
    if not separator or place is None or default is None:
        return False
    return (place.name, place.port or default) == (host.name, host.port or default)


def is_loopback(address: str) -> bool:
    """Whether a listening address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address.lower() == "localhost"
