"""The status of a training tells which registered version was made of what it left."""

import json
from datetime import UTC, datetime

import pytest

from local.stack.stage import note_training
from sagemaker_jobs.activate.dependencies import ActivationDependencies
from shared.db.training import TrainingRuns
from shared.schemas.manifest import Manifest
from shared.schemas.training import TrainingParameters
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue


@pytest.fixture
def stage(database, tmp_path):
    """A stack whose state folder is ``tmp_path``."""
    return ActivationDependencies(
        database, MemoryStore(), MemoryStore(), MemoryQueue(), tmp_path / "cache"
    )


@pytest.fixture
def trained(stage, database, tmp_path):
    """``trained(epochs)``: a run that has ended; its id and the record that it left."""

    def run(epochs):
        asked = TrainingParameters(epochs=epochs)
        now = datetime.now(UTC)
        made, _ = TrainingRuns(database).begin(
            asked, None, launcher="local", rows=9, estimated_at=now
        )
        folder = tmp_path / "training" / made.training_id / "model"
        folder.mkdir(parents=True)
        record = {"parameters": {"epochs": epochs}, "train_rows": 9, "macro_f1": 0.1 + epochs / 3}
        (folder / "run.json").write_text(json.dumps(record, indent=1))
        return made.training_id, record

    return run


def exported(record, version="mine-1-0a1b2c3d", **more):
    """The manifest of an export, as the registry gives it back."""
    manifest = Manifest(
        kind="model",
        version=version,
        created_at=datetime.now(UTC),
        files={},
        dimension=8,
        parameters={"precision": "int8", "training": record, **more},
    )
    return Manifest.model_validate_json(manifest.model_dump_json())


def version_of(database, training_id):
    return TrainingRuns(database).get(training_id).model_version


def test_it_is_told_of_the_run_that_it_was_exported_from_and_of_no_other(stage, trained, database):
    (first, record), (second, _) = trained(1), trained(2)
    assert note_training(stage, exported(record)) == first
    assert version_of(database, first) == "mine-1-0a1b2c3d"
    assert version_of(database, second) is None


def test_of_two_exports_the_last_one_is_told(stage, trained, database):
    training_id, record = trained(1)
    note_training(stage, exported(record))
    note_training(stage, exported(record, "mine-2-0a1b2c3d"))
    assert version_of(database, training_id) == "mine-2-0a1b2c3d"


@pytest.mark.parametrize("record", [None, {}, "trained elsewhere", {"train_rows": 9}])
def test_a_model_that_was_trained_elsewhere_is_told_of_no_run(stage, trained, database, record):
    training_id, _ = trained(1)
    assert note_training(stage, exported(record)) is None
    assert version_of(database, training_id) is None


def test_a_model_that_was_adapted_from_it_is_not_told(stage, trained, database):
    training_id, record = trained(1)
    note_training(stage, exported(record))
    other = exported(record, "mine-1-0a1b2c3d-adapted-1", adapted_from="mine-1-0a1b2c3d")
    assert note_training(stage, other) is None
    assert version_of(database, training_id) == "mine-1-0a1b2c3d"


def test_a_folder_without_a_record_or_with_half_of_one_is_passed_over(stage, trained, tmp_path):
    training_id, record = trained(1)
    (tmp_path / "training" / "train_20990101_001" / "model").mkdir(parents=True)
    broken = tmp_path / "training" / "train_20990101_002" / "model"
    broken.mkdir(parents=True)
    (broken / "run.json").write_text('{"parameters": ')
    assert note_training(stage, exported(record)) == training_id
