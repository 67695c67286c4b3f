"""A loopback server with scripted responses, and both clients connected to it."""

import pytest

from tests.clients import KINDS, client_of, scripted_server


@pytest.fixture
def server():
    with scripted_server() as script:
        yield script


@pytest.fixture(params=KINDS)
def client(request, server):
    with client_of(request.param, server.url, api_key="k-123") as connected:
        yield connected
