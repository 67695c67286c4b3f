"""Each service alone under uvicorn, in the environment printed by ``reviewlens env``."""

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from local.stack.environment import child_environment, function_environment
from local.stack.ports import free_port
from tests.e2e.stack import wait_until

pytestmark = pytest.mark.slow
SERVICES = {
    "collection": ("GET", "/collect", None),
    "processing": ("POST", "/process", {"ingest_id": "ing_none"}),
    "retrieval": ("POST", "/search_similar", {"query_text": "hinge", "top_k": 1}),
    "inference": ("POST", "/embeddings", {"texts": ["one", "two"]}),
    "insights": ("GET", "/products", None),
}


@contextmanager
def serving(service, environment):
    port = free_port(0, purpose="test", option="-")
    command = [sys.executable, "-m", "uvicorn", "--factory", f"lambdas.{service}.api:create_app"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--log-level", "warning"], env=environment
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def test_each_service_runs_alone_under_uvicorn(stack, samples, tmp_path):
    variables = function_environment(stack.running.aws_url, tmp_path, stack.folder.aws_keys())
    environment = child_environment(os.environ, variables)
    with ExitStack() as cleanup, httpx.Client(timeout=180) as client:
        urls = {name: cleanup.enter_context(serving(name, environment)) for name in SERVICES}
        for name, (method, path, body) in SERVICES.items():

            def health_response(url=urls[name]):
                try:
                    return client.get(f"{url}/health")
                except httpx.TransportError:
                    return None

            health = wait_until(health_response, what=f"start of {name}").json()
            assert (health["status"], health["service"]) == ("ok", name)
            response = client.request(method, urls[name] + path, json=body)
            expected = 404 if name == "processing" else 200  # there is no such ingest
            assert response.status_code == expected, response.text
