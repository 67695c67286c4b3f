"""The training function answers the events that API Gateway really sends, REST and HTTP API."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lambdas.training.dependencies import build_dependencies
from lambdas.training.handler import handler
from tests.fakes.sagemaker import jobs, living_jobs
from tests.training import SAGEMAKER_VALUES

EVENTS = Path(__file__).resolve().parents[2] / "events"


@pytest.fixture
def call(function_environment, monkeypatch):
    """``call(event name)``: what the function answers, deployed over SageMaker."""
    for name, value in SAGEMAKER_VALUES.items():
        monkeypatch.setenv(f"REVIEWLENS_{name.upper()}", value)

    def send(name, training_id=None):
        event = (EVENTS / f"{name}.json").read_text()
        answer = handler(
            json.loads(event.replace("train_20260310_001", training_id or "train_20260310_001")),
            None,
        )
        assert answer["isBase64Encoded"] is False
        return answer["statusCode"], json.loads(answer["body"])

    build_dependencies.cache_clear()
    with living_jobs():
        yield send
    build_dependencies.cache_clear()


@pytest.mark.parametrize("kind", ["http", "rest"])
def test_a_training_is_started_followed_and_cancelled(call, kind):
    status, told = call(f"{kind}_train")
    assert (status, told["status"]) == (202, "started")
    name = told["training_id"]
    assert name == f"train_{datetime.now(UTC):%Y%m%d}_001"
    assert call(f"{kind}_train")[1]["training_id"] == name
    (job,) = jobs().values()
    assert job.training_job_name == name.replace("_", "-")
    assert json.loads(job.hyper_parameters["epochs"]) == 2
    status, told = call(f"{kind}_training_status", name)
    assert (status, told["state"], told["phase"]) == (200, "started", "Starting")
    status, told = call(f"{kind}_training_cancel", name)
    assert (status, told["state"], told["phase"]) == (202, "running", "Stopping")
    job.training_job_status = job.secondary_status = "Stopped"
    assert call(f"{kind}_training_status", name)[1]["state"] == "cancelled"


@pytest.mark.parametrize("kind", ["http", "rest"])
def test_an_unknown_training_is_a_problem(call, kind):
    for name in ("training_status", "training_cancel"):
        status, told = call(f"{kind}_{name}")
        assert (status, told["code"]) == (404, "not_found")


@pytest.mark.parametrize("kind", ["http", "rest"])
def test_health_is_told(call, kind):
    status, told = call(f"{kind}_health")
    assert (status, told["service"], told["status"]) == (200, "training", "ok")
    assert told["checks"]["launcher"]["detail"] is None


def test_a_deployment_without_training_says_which_settings_it_lacks(call, monkeypatch):
    monkeypatch.delenv("REVIEWLENS_TRAINING_ROLE_ARN")
    status, told = call("http_train")
    assert (status, told["code"]) == (503, "unavailable")
    assert "REVIEWLENS_TRAINING_ROLE_ARN" in told["detail"]
