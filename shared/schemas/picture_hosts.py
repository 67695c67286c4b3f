"""A list of hosts whose pictures are fetched for stored reviews."""

import re

from shared.errors import PictureError

_NAME = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_ENTRY = re.compile(rf"(\*\.)?({_NAME}\.)*{_NAME}")


def check_hosts(hosts: str) -> str:
    """Check a list of hosts, separated by commas; ``*.`` stands for any subdomain.

    Raises:
        ValueError: an entry is not a host; names it.
    """
    for entry in filter(None, map(str.strip, hosts.split(","))):
        if not _ENTRY.fullmatch(entry.lower()):
            message = f"{entry!r} is not a host such as images.example.org or *.example.org"
            raise ValueError(message)
    return hosts


def check_host(host: str, hosts: str) -> None:
    """Check that a host is on a list.

    Raises:
        PictureError: it is not.
    """
    host = host.lower()
    for entry in filter(None, map(str.strip, hosts.lower().split(","))):
        suffix = entry.removeprefix("*")
        if host == entry or (suffix != entry and host.endswith(suffix)):
            return
    raise PictureError("address_refused", "its host is not on the list of hosts")
