"""Several deployments in one account: job names have a prefix, run ids do not."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from lambdas.promotion.dependencies import Dependencies
from lambdas.promotion.handler import Step
from lambdas.promotion.service import Promotion
from shared.schemas.manifest import Manifest
from shared.storage.layout import candidate_prefix
from tests.fakes.objects import MemoryStore

JOB = "reviewlens-prod-train-20261124-001"


class MemoryRuns:
    """Records versions like shared.db.training.TrainingRuns."""

    def __init__(self):
        self.versions = {}

    def record_version(self, training_id, version):
        self.versions[training_id] = version
        return True


def test_a_version_is_recorded_for_the_run_of_a_prefixed_job():
    store, runs = MemoryStore(), MemoryRuns()
    manifest = Manifest(
        kind="model", version="m-1", created_at=datetime.now(UTC), files={}, dimension=4
    )
    for name, body in (
        ("model/manifest.json", manifest.model_dump_json()),
        ("evaluation/evaluation.json", json.dumps({"version": "m-1"})),
        ("evaluation/predictions.parquet", "PAR1"),
    ):
        store.put(f"{candidate_prefix(JOB)}{name}", body.encode())
    dependencies = Dependencies(
        jobs=None, artefacts=store, runs=runs, settings=None, region="eu-west-1"
    )
    assert Promotion(dependencies).register(JOB)["version"] == "m-1"
    assert runs.versions == {"train_20261124_001": "m-1"}


@pytest.mark.parametrize("name", [JOB, "train-20261124-001"])
def test_training_job_names_may_have_a_prefix(name):
    assert Step.model_validate({"step": "register", "training_job": name}).training_job == name


@pytest.mark.parametrize(
    "name", ["reviewlens-prod-20261124-001", "a/train-20261124-001", "train-1"]
)
def test_other_names_are_rejected(name):
    with pytest.raises(ValidationError, match="training_job"):
        Step.model_validate({"step": "register", "training_job": name})
