"""The jobs as SageMaker starts them: real model, S3, SQS, PostgreSQL, environment settings."""

import json

import pyarrow as pa
import pytest

from sagemaker_jobs import message
from sagemaker_jobs.activate import __main__ as activate
from sagemaker_jobs.build_index import __main__ as build_index
from sagemaker_jobs.score import __main__ as score
from shared.db.ingest.reviews import copy_rows, store_reviews
from shared.db.ingest.shards import StoredBatch, mark_processed, record_batch
from shared.schemas.messages import ProcessShard
from shared.storage import artefacts, layout, registry
from shared.storage.objects import S3Store
from shared.storage.shards import CLEAN_SCHEMA, to_parquet
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
    ingest_id = ledger.receive("raw", "uploads/a", "etag")
    ledger.start(ingest_id)
    rows = [
        {"review_id": f"r{n}", "record": n + 1, "source": "test", "text": text}
        for n, text in enumerate(TEXTS)
    ]
    table, key = pa.Table.from_pylist(rows, schema=CLEAN_SCHEMA), layout.clean_shard(ingest_id, 0)
    clean = S3Store(aws_client("s3"), function_environment["REVIEWLENS_CLEAN_BUCKET"])
    clean.put(key, to_parquet(table))
    with database.transaction() as connection:
        store_reviews(connection, ingest_id, copy_rows(table))
        record_batch(connection, ingest_id, StoredBatch(0, "f", 3, 0, 3, key))
        mark_processed(
            connection, ProcessShard(ingest_id=ingest_id, part=0, key=key, rows=3), shipped
        )
    ledger.finish(ingest_id)
    return registry.register(store, renamed_model(tmp_path / "model", "copy-1")).version


def test_the_score_job_scores_every_review_and_moves_no_pointer(version, store, rows):
    before = artefacts.current(store, "model")
    assert score.main(["--model-version", version]) == 0
    sentiments = rows("SELECT review_id, sentiment FROM analyses WHERE model_version = %s", version)
    assert dict(sentiments) | {"r2": "?"} == {"r0": "positive", "r1": "negative", "r2": "?"}
    assert artefacts.current(store, "model") == before
    assert build_index.main(["--model-version", version]) == 0
    assert list(registry.indexes_of(store)) == [version]
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
