"""An address where the page cannot listen is named in one sentence."""

import socket

import pytest

from frontend_space.server import AddressError, listen


def test_a_taken_port_is_named():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AddressError) as caught:
            listen("127.0.0.1", port)
    assert str(caught.value) == (
        f"Port {port} for the page is already in use. Choose another with --port."
    )


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("203.0.113.7", 8006)])
def test_an_address_that_cannot_be_used_is_named(host, port):
    with pytest.raises(AddressError, match=f"Port {port} for the page cannot be used at {host}"):
        listen(host, port)
