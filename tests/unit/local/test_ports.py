"""The error for an unusable port names its number, purpose and option."""

import pytest

from local.errors import LocalStackError
from local.stack.ports import LOOPBACK, bind, free_port


def test_a_listener_is_bound_to_loopback():
    with bind(0, purpose="gateway", option="--port") as listener:
        host, port = listener.getsockname()
        assert host == LOOPBACK
        assert port > 0


@pytest.mark.parametrize("function", [bind, free_port])
def test_a_port_in_use_is_named_in_the_error(function):
    with bind(0, purpose="first", option="-") as listener:
        port = listener.getsockname()[1]
        with pytest.raises(LocalStackError) as caught:
            function(port, purpose="local AWS", option="--aws-port")
    for part in (str(port), "local AWS", "--aws-port", "in use"):
        assert part in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_an_invalid_port_is_refused(port):
    with pytest.raises(LocalStackError, match=r"cannot be used.*--port"):
        bind(port, purpose="gateway", option="--port")


def test_a_free_port_can_be_bound():
    port = free_port(0, purpose="database", option="--database-port")
    assert free_port(port, purpose="database", option="--database-port") == port
    with bind(port, purpose="database", option="--database-port") as listener:
        assert listener.getsockname()[1] == port
