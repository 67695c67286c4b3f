"""Events of API Gateway (REST and HTTP API), handled by the training function."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lambdas.training.dependencies import build_dependencies
from lambdas.training.handler import handler
from tests.fakes.sagemaker import jobs, stoppable_jobs
from tests.training import SAGEMAKER_VALUES

EVENTS = Path(__file__).resolve().parents[2] / "events"


@pytest.fixture
def call(function_environment, monkeypatch):
    """``call(event name)``: invoke the function with SageMaker; return status and body."""
    for name, value in SAGEMAKER_VALUES.items():
        monkeypatch.setenv(f"REVIEWLENS_{name.upper()}", value)

    def send(name, training_id=None):
        event = (EVENTS / f"{name}.json").read_text()
        response = handler(
            json.loads(event.replace("train_20260310_001", training_id or "train_20260310_001")),
            None,
        )
        assert response["isBase64Encoded"] is False
        return response["statusCode"], json.loads(response["body"])

    build_dependencies.cache_clear()
    with stoppable_jobs():
        yield send
    build_dependencies.cache_clear()


@pytest.mark.parametrize("kind", ["http", "rest"])
def test_a_training_is_started_observed_and_cancelled(call, kind):
    status, body = call(f"{kind}_train")
    assert (status, body["status"]) == (202, "started")
    name = body["training_id"]
    assert name == f"train_{datetime.now(UTC):%Y%m%d}_001"
    assert call(f"{kind}_train")[1]["training_id"] == name
    (job,) = jobs().values()
    assert job.training_job_name == name.replace("_", "-")
    assert json.loads(job.hyper_parameters["epochs"]) == 2
    status, body = call(f"{kind}_training_status", name)
    assert (status, body["state"], body["phase"]) == (200, "started", "Starting")
    status, body = call(f"{kind}_training_cancel", name)
    assert (status, body["state"], body["phase"]) == (202, "running", "Stopping")
    job.training_job_status = job.secondary_status = "Stopped"
    assert call(f"{kind}_training_status", name)[1]["state"] == "cancelled"


@pytest.mark.parametrize("kind", ["http", "rest"])
def test_an_unknown_training_is_not_found(call, kind):
    for name in ("training_status", "training_cancel"):
        status, body = call(f"{kind}_{name}")
        assert (status, body["code"]) == (404, "not_found")


@pytest.mark.parametrize("kind", ["http", "rest"])
def test_health_includes_the_launcher(call, kind):
    status, body = call(f"{kind}_health")
    assert (status, body["service"], body["status"]) == (200, "training", "ok")
    assert body["checks"]["launcher"]["detail"] is None


def test_a_deployment_without_training_names_missing_settings(call, monkeypatch):
    monkeypatch.delenv("REVIEWLENS_TRAINING_ROLE_ARN")
    status, body = call("http_train")
    assert (status, body["code"]) == (503, "unavailable")
    assert "REVIEWLENS_TRAINING_ROLE_ARN" in body["detail"]
