"""The API that a command calls: a remote one, or that of the stack on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.api_errors import convert_api_errors
from local.state import StateFolder
from reviewlens import Client

_TIMEOUT_SECONDS = 60.0
_MAX_RESPONSE_BYTES = 64 * 2**20


@contextmanager
def open_api(state: Path, api_url: str | None) -> Iterator[Client]:
    """A client of the API at a URL, else of the stack that runs on a folder.

    Raises:
        LocalStackError: no stack runs there, or the API returns an error in the block.
    """
    folder = StateFolder(state)
    url = api_url or folder.require_running().gateway_url
    key = os.environ.get("REVIEWLENS_API_KEY") if api_url else folder.gateway_token()
    client = Client(
        url,
        api_key=key,
        region=os.environ.get("REVIEWLENS_API_REGION"),
        timeout=_TIMEOUT_SECONDS,
        max_response_bytes=_MAX_RESPONSE_BYTES,
    )
    with client, convert_api_errors(url):
        yield client
