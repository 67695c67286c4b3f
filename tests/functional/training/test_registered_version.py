"""The status of a training names the model version export_manifest from it."""

import json
from datetime import UTC, datetime

import pytest

from local.stack.registry import record_trained_version
from sagemaker_jobs.activate.dependencies import ActivationDependencies
from shared.db.training import TrainingRuns
from shared.schemas.manifest import Manifest
from shared.schemas.training import TrainingParameters
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue


@pytest.fixture
def dependencies(database, tmp_path):
    """Dependencies of a stack whose state folder is ``tmp_path``."""
    return ActivationDependencies(
        database, MemoryStore(), MemoryStore(), MemoryQueue(), tmp_path / "cache"
    )


@pytest.fixture
def trained(dependencies, database, tmp_path):
    """``trained(epochs)``: an ended run; returns its id and its record."""

    def train(epochs):
        parameters = TrainingParameters(epochs=epochs)
        now = datetime.now(UTC)
        run, _ = TrainingRuns(database).create(
            parameters, None, launcher="local", rows=9, estimated_at=now
        )
        folder = tmp_path / "training" / run.training_id / "model"
        folder.mkdir(parents=True)
        record = {"parameters": {"epochs": epochs}, "train_rows": 9, "macro_f1": 0.1 + epochs / 3}
        (folder / "run.json").write_text(json.dumps(record, indent=1))
        return run.training_id, record

    return train


def export_manifest(record, version="mine-1-0a1b2c3d", **more):
    """The manifest of an export, as read from the registry."""
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


def test_a_version_is_recorded_only_for_the_run_it_was_exported_from(
    dependencies, trained, database
):
    (first, record), (second, _) = trained(1), trained(2)
    assert record_trained_version(dependencies, export_manifest(record)) == first
    assert version_of(database, first) == "mine-1-0a1b2c3d"
    assert version_of(database, second) is None


def test_the_last_of_two_exports_is_recorded(dependencies, trained, database):
    training_id, record = trained(1)
    record_trained_version(dependencies, export_manifest(record))
    record_trained_version(dependencies, export_manifest(record, "mine-2-0a1b2c3d"))
    assert version_of(database, training_id) == "mine-2-0a1b2c3d"


@pytest.mark.parametrize("record", [None, {}, "trained elsewhere", {"train_rows": 9}])
def test_a_model_trained_elsewhere_is_recorded_for_no_run(dependencies, trained, database, record):
    training_id, _ = trained(1)
    assert record_trained_version(dependencies, export_manifest(record)) is None
    assert version_of(database, training_id) is None


def test_an_adapted_model_is_not_recorded(dependencies, trained, database):
    training_id, record = trained(1)
    record_trained_version(dependencies, export_manifest(record))
    other = export_manifest(record, "mine-1-0a1b2c3d-adapted-1", adapted_from="mine-1-0a1b2c3d")
    assert record_trained_version(dependencies, other) is None
    assert version_of(database, training_id) == "mine-1-0a1b2c3d"


def test_a_folder_with_a_missing_or_incomplete_record_is_skipped(dependencies, trained, tmp_path):
    training_id, record = trained(1)
    (tmp_path / "training" / "train_20990101_001" / "model").mkdir(parents=True)
    broken = tmp_path / "training" / "train_20990101_002" / "model"
    broken.mkdir(parents=True)
    (broken / "run.json").write_text('{"parameters": ')
    assert record_trained_version(dependencies, export_manifest(record)) == training_id
