"""A service whose settings are missing stops at its start, with one message."""

import asyncio
import os
import subprocess
import sys
import threading
from importlib import import_module

import pytest
from fastapi.testclient import TestClient

from local.stack.gateway import SERVICES, Gateway
from shared.http.app import create_service
from shared.http.startup import StartError
from shared.schemas.health import Health

REQUIRED = {
    "collection": "REVIEWLENS_RAW_BUCKET, REVIEWLENS_CLEAN_BUCKET",
    "processing": "REVIEWLENS_CLEAN_BUCKET, REVIEWLENS_ARTEFACT_BUCKET",
    "retrieval": "REVIEWLENS_ARTEFACT_BUCKET, REVIEWLENS_INDEX_QUEUE_URL",
    "inference": "REVIEWLENS_ARTEFACT_BUCKET",
    "insights": "REVIEWLENS_DATABASE_SECRET_ID",
    "training": "REVIEWLENS_DATABASE_SECRET_ID",
}


@pytest.fixture
def environment(monkeypatch):
    """The environment of a user who has not set any variable."""
    for name in list(os.environ):
        if name.startswith("REVIEWLENS_"):
            monkeypatch.delenv(name)
    for service in SERVICES:
        dependencies = import_module(service.module.replace(".api", ".dependencies"))
        dependencies.build_dependencies.cache_clear()


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_the_message_names_missing_variables_and_the_command_that_sets_them(service, environment):
    app = import_module(service.module).create_app()
    with pytest.raises(StartError) as failed, TestClient(app):
        pass
    assert str(failed.value).startswith(f"{service.name} cannot start: ")
    assert REQUIRED[service.name] in str(failed.value)
    assert "`reviewlens env`" in str(failed.value)


def test_uvicorn_prints_one_message_and_stops(environment):
    command = [sys.executable, "-m", "uvicorn", "--factory", "lambdas.inference.api:create_app"]
    result = subprocess.run(
        [*command, "--port", "0"], capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode != 0
    errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
    assert "inference cannot start: not set: REVIEWLENS_ARTEFACT_BUCKET." in errors[0]
    assert "Traceback" not in result.stderr


def test_the_gateway_reports_the_problem_of_its_service(environment):
    gateway = Gateway({"inference": import_module("lambdas.inference.api").create_app()})
    sent = []

    async def start():
        async def receive():
            return {"type": "lifespan.startup"}

        async def send(message):
            sent.append(message)

        await gateway({"type": "lifespan"}, receive, send)

    asyncio.run(start())
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert "REVIEWLENS_ARTEFACT_BUCKET" in sent[0]["message"]


def test_a_dependency_that_does_not_answer_does_not_stop_the_start():
    def fail():
        raise ConnectionError

    app = create_service("shop", title="Shop", health=_health, start=fail)
    with TestClient(app) as http:
        assert http.get("/health").json()["status"] == "ok"


def test_background_work_ends_with_the_server():
    ended = threading.Event()

    def work(stopping):
        stopping.wait()
        ended.set()

    app = create_service("shop", title="Shop", health=_health, background=work)
    with TestClient(app):
        assert not ended.is_set()
    assert ended.wait(30)


def _health():
    return Health(service="shop", version="1")
