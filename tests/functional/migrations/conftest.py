"""An endpoint that starts listening later."""

import pytest

from local.stack.ports import free_port
from tests.fakes.relay import Relay


@pytest.fixture
def eventually_listens():
    """``(port, wake)`` for a secret: after ``wake()`` the port forwards to its server."""
    relays = []

    def make(secret):
        port = free_port(0, purpose="endpoint", option="-")

        def wake():
            relays.append(Relay((secret["host"], secret["port"]), port=port))

        return port, wake

    yield make
    for relay in relays:
        relay.close()
