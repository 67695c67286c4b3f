"""Asks a health route: what a container engine runs to know whether a service works."""

import sys
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

_TIMEOUT_SECONDS = 8.0


def probe(url: str) -> int:
    """Returns 0 if the URL answers with success, otherwise 1 and prints why."""
    opener = build_opener(ProxyHandler({}))  # a proxy of the machine is for other hosts
    try:
        with opener.open(Request(url), timeout=_TIMEOUT_SECONDS):  # noqa: S310 - our own health
            return 0
    except HTTPError as error:
        sys.stdout.write(f"{url}: {error.code} {error.read(2000).decode('utf-8', 'replace')}\n")
    except (OSError, ValueError) as error:
        sys.stdout.write(f"{url}: {error}\n")
    return 1
