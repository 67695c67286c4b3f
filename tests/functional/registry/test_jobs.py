"""The jobs as SageMaker starts them: real model, S3, SQS, PostgreSQL, environment settings."""

import json

import pytest

from sagemaker_jobs import message
from sagemaker_jobs.activate import __main__ as activate
from sagemaker_jobs.build_index import __main__ as build_index
from sagemaker_jobs.score import __main__ as score
from shared.storage import artefacts, registry
from shared.storage.objects import S3Store
from tests.ingests import store_processed_shard
from tests.models import model_folder, renamed_model

TEXTS = ("The churn is a joy to use.", "It broke at once, awful.", "It is a churn.")


@pytest.fixture
def store(function_environment, aws_client):
    return S3Store(aws_client("s3"), function_environment["REVIEWLENS_ARTEFACT_BUCKET"])


@pytest.fixture
def version(function_environment, aws_client, store, database, ledger, tmp_path):
    """A registered candidate; the shipped model is current and has processed one shard."""
    shipped = registry.register(store, model_folder()).version
    artefacts.move_pointer(store, "model", shipped, if_match=None)
    clean = S3Store(aws_client("s3"), function_environment["REVIEWLENS_CLEAN_BUCKET"])
    store_processed_shard(database, ledger, clean, TEXTS, shipped)
    return registry.register(store, renamed_model(tmp_path / "model", "copy-1")).version


def test_the_score_job_scores_every_review_and_moves_no_pointer(version, store, rows):
    before = artefacts.current(store, "model")
    assert score.main(["--model-version", version]) == 0
    sentiments = rows("SELECT review_id, sentiment FROM analyses WHERE model_version = %s", version)
    assert dict(sentiments) | {"r2": "?"} == {"r0": "positive", "r1": "negative", "r2": "?"}
    assert artefacts.current(store, "model") == before
    assert build_index.main(["--model-version", version]) == 0
    assert list(registry.indexes_by_model(store)) == [version]
    assert artefacts.current(store, "index") is None


def test_the_activate_job_makes_the_pair_current_after_the_gate_or_by_force(
    version, store, rows, tmp_path, monkeypatch
):
    monkeypatch.setattr(message, "FOLDER", tmp_path)
    arguments = ["--model-version", version, "--refresh-seconds", "0"]
    assert activate.main(arguments) == 0
    assert json.loads((tmp_path / "message").read_text())["verdict"] == "kept"
    assert artefacts.current(store, "index") is None
    assert activate.main([*arguments, "--force", "true"]) == 0
    assert json.loads((tmp_path / "message").read_text())["verdict"] == "active"
    index = artefacts.read_manifest(store, "index", artefacts.current(store, "index").version)
    assert (index.model_version, index.count) == (version, 3)
    assert artefacts.current(store, "model").version == version
    assert rows("SELECT model_version FROM shards") == [(version,)]
