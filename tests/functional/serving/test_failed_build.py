"""A failed index build is explained by /health until a build succeeds."""

import errno

import pytest

from lambdas.retrieval.builds import build_batch
from lambdas.retrieval.dependencies import Dependencies
from lambdas.retrieval.service import health
from shared.errors import UnavailableError
from shared.http.batches import SqsRecord
from shared.index import build
from shared.schemas.messages import BuildIndex
from shared.serving.state import ServingState
from tests.corpus import made_up_reviews, publish_model, put_shard, random_vectors
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue
from tests.models import model_folder

REQUEST = [SqsRecord("m1", BuildIndex(reason="test").model_dump_json())]


@pytest.fixture
def dependencies(tmp_path):
    store = MemoryStore()
    model = publish_model(store, model_folder())
    put_shard(store, model.version, made_up_reviews(20, 1), random_vectors(20, 384, 1))
    return Dependencies(ServingState(store, tmp_path / "cache"), store, MemoryQueue())


def test_a_full_disk_is_reported_until_a_build_succeeds(dependencies, monkeypatch):
    def fill_disk(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(build, "publish_index", fill_disk)
        assert build_batch(dependencies, REQUEST) == ["m1"]
        check = health(dependencies).checks["index_build"]
    assert (check.status, "no space is left on the disk" in check.detail) == ("degraded", True)
    assert build_batch(dependencies, REQUEST) == []
    assert "index_build" not in health(dependencies).checks


def test_an_attempt_that_can_be_repeated_is_not_reported(dependencies, monkeypatch):
    def fail(*_arguments, **_options):
        raise UnavailableError("the store does not answer")

    monkeypatch.setattr(build, "publish_index", fail)
    assert build_batch(dependencies, REQUEST) == ["m1"]
    assert "index_build" not in health(dependencies).checks
