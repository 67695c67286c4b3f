"""A service that runs alone on one machine has the checks of the gateway."""

import pytest
from starlette.testclient import TestClient

from shared.http.app import create_service
from shared.schemas.health import Health


@pytest.fixture
def status(monkeypatch):
    """``status(host, VARIABLE="…")``: status of GET /health in that environment."""

    def get(host, **variables):
        for name in ("REVIEWLENS_ENVIRONMENT", "AWS_LAMBDA_FUNCTION_NAME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        health = Health(status="ok", service="trial", version="1")
        app = create_service("trial", title="trial", health=lambda: health)
        http = TestClient(app, base_url="http://localhost:8005")
        return http.get("/health", headers={"host": host}).status_code

    return get


def test_a_service_on_one_machine_refuses_other_hosts(status):
    assert status("localhost:8005", REVIEWLENS_ENVIRONMENT="local") == 200
    assert status("evil.example", REVIEWLENS_ENVIRONMENT="local") == 421


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"REVIEWLENS_ENVIRONMENT": "prod"},
        {"REVIEWLENS_ENVIRONMENT": "local", "AWS_LAMBDA_FUNCTION_NAME": "reviewlens-inference"},
    ],
    ids=["none", "prod", "function"],
)
def test_a_deployed_service_answers_for_the_hosts_of_its_gateway(status, variables):
    assert status("api.example", **variables) == 200
