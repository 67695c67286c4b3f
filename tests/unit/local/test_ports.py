"""A port that cannot be had is told by number, purpose and option."""

import pytest

from local.errors import LocalStackError
from local.stack.ports import LOOPBACK, bind, free_port


def test_a_listener_is_on_loopback_alone():
    with bind(0, what="gateway", option="--port") as listener:
        host, port = listener.getsockname()
        assert host == LOOPBACK
        assert port > 0


@pytest.mark.parametrize("ask", [bind, free_port])
def test_a_taken_port_is_told(ask):
    with bind(0, what="first", option="-") as listener:
        port = listener.getsockname()[1]
        with pytest.raises(LocalStackError) as caught:
            ask(port, what="local AWS", option="--aws-port")
    for part in (str(port), "local AWS", "--aws-port", "taken"):
        assert part in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_an_impossible_port_is_told(port):
    with pytest.raises(LocalStackError, match=r"cannot be used.*--port"):
        bind(port, what="gateway", option="--port")


def test_a_free_port_can_be_opened_afterwards():
    port = free_port(0, what="database", option="--database-port")
    assert free_port(port, what="database", option="--database-port") == port
    with bind(port, what="database", option="--database-port") as listener:
        assert listener.getsockname()[1] == port
