"""Queues and disks in GET /health of the gateway."""

import shutil
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from local.aws.resources import create_resources
from local.names import QUEUES, queue_url
from local.quarantine import Quarantine
from local.stack import machine
from local.stack.gateway import Gateway
from local.stack.machine import MIN_FREE_BYTES, Machine
from reviewlens.models import GatewayHealth


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def health(aws, cache, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=MIN_FREE_BYTES))
    create_resources(aws.url, aws.keys, database={}, reviewer_key="00")
    http = TestClient(Gateway({}, Machine(aws.url, cache, aws.keys).read))
    return lambda: GatewayHealth.model_validate(http.get("/health").json() | {"version": "1"})


def test_empty_queues_and_enough_space_are_ok(health):
    answer = health()
    assert answer.status == "ok"
    assert set(answer.queues) == {plan.name for plan in QUEUES}
    assert set(answer.free_bytes) == {"state", "tmp"}


def test_messages_that_were_given_up_need_a_person(health, aws):
    queue = queue_url(aws.url, QUEUES[1].dead_letter_queue)
    aws.sqs.send_message(QueueUrl=queue, MessageBody="x")
    answer = health()
    assert answer.status == "degraded"
    assert answer.queues["processing"].given_up == 1
    assert "1 of processing" in answer.checks["queues"].detail


def test_little_free_space_needs_a_person(health, monkeypatch):
    free = MIN_FREE_BYTES - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=free))
    answer = health()
    assert (answer.status, answer.free_bytes["tmp"]) == ("degraded", free)
    assert "1024 MiB (state)" in answer.checks["disk"].detail


def test_damaged_files_in_quarantine_are_listed(health, cache):
    assert health().quarantine == []
    cache.mkdir()
    quarantine = Quarantine(cache.with_name("quarantine"))
    for number in range(101):
        (cache / f"file{number}").write_bytes(b"damaged")
        quarantine.move(cache / f"file{number}", f"reason {number}")
    answer = health()
    assert answer.status == "ok"
    assert len(answer.quarantine) == 100
    assert {file.reason for file in answer.quarantine} <= {f"reason {n}" for n in range(101)}
    assert all("file" in file.name and file.at for file in answer.quarantine)


def test_a_failure_of_the_check_is_a_check(health, monkeypatch):
    monkeypatch.setattr(machine, "read_queues", lambda *_: 1 / 0)
    answer = health()
    assert answer.checks["machine"].detail == "queues and disks cannot be read: ZeroDivisionError"
