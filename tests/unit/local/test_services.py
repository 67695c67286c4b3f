"""The command that serves one service: its probe, and errors in words."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local.services.__main__ import main
from local.services.ports import APIS
from local.services.probe import probe
from local.stack.gateway import SERVICES


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(int(self.path[1:]))
            self.end_headers()
            self.wfile.write(b"the reason")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_probe_passes_only_if_the_route_succeeds(server, capsys):
    assert probe(f"{server}/200") == 0
    assert probe(f"{server}/503") == 1
    assert "503 the reason" in capsys.readouterr().out


def test_a_probe_of_nothing_fails_in_words(capsys):
    assert probe("http://127.0.0.1:1/health") == 1
    assert "refused" in capsys.readouterr().out
    assert probe("no url") == 1


def test_a_probe_loads_nothing_but_the_standard_library():
    code = "import sys; from local.services.__main__ import main; main(['probe', 'http://127.0.0.1:1']);"
    code += "sys.exit(bool({'boto3', 'fastapi', 'pydantic', 'uvicorn'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_each_function_with_routes_is_a_service():
    assert APIS.keys() == {service.name for service in SERVICES}


@pytest.mark.parametrize("name", ["worker", "aws"])
def test_a_missing_setting_is_named(name, monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("REVIEWLENS_COLLECTION_QUEUE_URL", raising=False)
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    extra = ["--state", str(tmp_path / "state"), "--port", "0"] if name == "aws" else []
    assert main([name, *extra]) == 1
    error = capsys.readouterr().err
    expected = "REVIEWLENS_COLLECTION_QUEUE_URL is not set"
    assert (expected if name == "worker" else "there is no access key") in error
