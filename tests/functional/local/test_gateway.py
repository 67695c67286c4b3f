"""The gateway process with the real services, database and local AWS."""

import os
import socket
import subprocess
import sys

import httpx
import pytest

from local.stack.children import Child, log_tail
from local.stack.ports import bind


@pytest.fixture
def gateway(function_environment, tmp_path, caplog):
    with bind(0, purpose="gateway", option="-") as listener:
        child = Child(
            "gateway",
            ["local.stack.gateway", "--fd", str(listener.fileno())],
            environment=os.environ | function_environment,
            log_path=tmp_path / "log",
            descriptors=[listener.fileno()],
        )
        child.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, trust_env=False, timeout=180) as client:
            yield client
        child.stop()
        assert "is killed" not in caplog.text
        assert "Traceback" not in log_tail(tmp_path / "log", lines=1000)


def test_the_real_services_respond_on_one_port(gateway):
    health = gateway.get("/health").json()
    assert health["services"]["collection"]["status"] == "ok"
    assert health["services"]["insights"]["status"] == "ok"
    assert health["services"]["inference"]["status"] != "ok"  # no model is published here
    assert health["status"] == "degraded"
    assert gateway.get("/products").json()["products"] == []
    assert gateway.post("/collect", json={}).status_code == 202
    assert gateway.get("/collect/ing_missing").status_code == 404
    assert gateway.post("/analyze", json={"query_text": "x"}).status_code == 503
    assert gateway.get("/health", headers={"host": "evil.example"}).status_code == 421
    upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    assert gateway.get("/products", headers=upgrade).status_code == 200
    assert "server" not in gateway.head("/health").headers


def test_a_socket_that_others_can_reach_needs_a_token():
    with (
        socket.create_server(("0.0.0.0", 0)) as listener,
        subprocess.Popen(
            [sys.executable, "-m", "local.stack.gateway", "--fd", str(listener.fileno())],
            pass_fds=[listener.fileno()],
            stdin=subprocess.PIPE,  # its lifeline
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        message = process.stderr.read()
        assert process.wait() == 2
    assert "0.0.0.0 is not loopback: set REVIEWLENS_GATEWAY_TOKEN" in message
