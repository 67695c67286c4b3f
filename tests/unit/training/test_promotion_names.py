"""Several deployments in one account: names of jobs have a prefix, the ids of runs have none."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from lambdas.promotion.handler import Step
from lambdas.promotion.service import Dependencies, Promotion
from shared.schemas.manifest import Manifest
from shared.storage.layout import candidate_prefix
from tests.fakes.objects import MemoryStore

JOB = "reviewlens-prod-train-20261124-001"


class Runs:
    """Notes what it is told, as shared.db.training does."""

    def __init__(self):
        self.noted = {}

    def note_version(self, training_id, version):
        self.noted[training_id] = version
        return True


def test_a_version_is_noted_with_the_run_whose_job_has_the_prefix_of_the_deployment():
    store, runs = MemoryStore(), Runs()
    manifest = Manifest(
        kind="model", version="m-1", created_at=datetime.now(UTC), files={}, dimension=4
    )
    for name, body in (
        ("model/manifest.json", manifest.model_dump_json()),
        ("evaluation/evaluation.json", json.dumps({"version": "m-1"})),
        ("evaluation/predictions.parquet", "PAR1"),
    ):
        store.put(f"{candidate_prefix(JOB)}{name}", body.encode())
    ports = Dependencies(jobs=None, artefacts=store, runs=runs, settings=None, region="eu-west-1")
    assert Promotion(ports).register(JOB)["version"] == "m-1"
    assert runs.noted == {"train_20261124_001": "m-1"}


@pytest.mark.parametrize("name", [JOB, "train-20261124-001"])
def test_names_of_trainings_are_taken_with_and_without_a_prefix(name):
    assert Step.model_validate({"step": "register", "training_job": name}).training_job == name


@pytest.mark.parametrize(
    "name", ["reviewlens-prod-20261124-001", "a/train-20261124-001", "train-1"]
)
def test_other_names_are_refused(name):
    with pytest.raises(ValidationError, match="training_job"):
        Step.model_validate({"step": "register", "training_job": name})
