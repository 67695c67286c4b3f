"""Training over HTTP, with a real database."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from lambdas.training.api import create_app
from lambdas.training.dependencies import Dependencies
from lambdas.training.launcher import Progress
from shared.db.connection import Database
from shared.db.training import TrainingRuns
from shared.errors import ConflictError, UnavailableError
from tests.fakes.launcher import MemoryLauncher

ENCODER = "bert-base-uncased@0123456789abcdef0123456789abcdef01234567"
BODY = {"model_name": ENCODER, "epochs": 2, "batch_size": 16, "learning_rate": 3e-5}


@pytest.fixture
def launcher():
    return MemoryLauncher(rows=1000)


@pytest.fixture
def http(database, launcher):
    return client_of(database, launcher)


def client_of(database, launcher):
    dependencies = Dependencies(database, TrainingRuns(database), launcher, reviews_per_second=10.0)
    return TestClient(create_app(lambda: dependencies))


def start(http, key=None, **fields):
    headers = {"Idempotency-Key": key} if key else {}
    response = http.post("/train", json={**BODY, **fields}, headers=headers)
    assert response.status_code == 202, response.text
    return response.json()


def seconds_from_now(text):
    return (datetime.fromisoformat(text) - datetime.now(UTC)).total_seconds()


def test_a_training_starts_with_an_estimated_completion_time(http, launcher):
    body = start(http)
    today = datetime.now(UTC).strftime("%Y%m%d")
    assert body["training_id"] == f"train_{today}_001"
    assert body["status"] == "started"
    assert body["warnings"] == []
    # 1,000 reviews, two epochs, ten reviews per second
    assert seconds_from_now(body["estimated_completion_time"]) == pytest.approx(200, abs=10)
    (job,) = launcher.started
    assert job.parameters.model_dump() == BODY


def test_without_a_body_the_default_parameters_apply(http, launcher):
    assert http.post("/train").status_code == 202
    assert launcher.started[0].parameters.model_dump() == {
        "model_name": "all-MiniLM-L6-v2", "epochs": 3, "batch_size": 32, "learning_rate": 2e-5
    }  # fmt: skip


def test_unknown_fields_are_ignored_with_a_warning(http):
    (warning,) = start(http, dropout=0.5)["warnings"]
    assert "dropout" in warning


def test_status_follows_the_job(http, launcher):
    name = start(http)["training_id"]
    body = http.get(f"/status/{name}").json()
    assert (body["state"], body["epoch"], body["metrics"]) == ("started", None, {})
    assert body["parameters"] == BODY
    launcher.run(name, epoch=0, step=25, steps=100, seconds=10.0, sentiment=0.4, macro_f1=0.6)
    body = http.get(f"/status/{name}").json()
    assert (body["state"], body["epoch"], body["step"], body["steps"]) == ("running", 1, 25, 100)
    assert body["metrics"] == {"sentiment": 0.4, "macro_f1": 0.6}
    # now estimated from the pace of its own steps
    assert seconds_from_now(body["estimated_completion_time"]) == pytest.approx(30, abs=5)
    launcher.finish(name, model_version="m-1")
    body = http.get(f"/status/{name}").json()
    assert (body["state"], body["model_version"]) == ("completed", "m-1")
    assert body["metrics"] == {"sentiment": 0.4, "macro_f1": 0.6}
    assert body["finished_at"] is not None
    assert body["estimated_completion_time"] is None


def test_the_status_names_the_trained_weights_and_the_version_exported_from_them(
    http, launcher, database
):
    name = start(http)["training_id"]
    launcher.run(name, epoch=0, step=25, steps=100, sentiment=0.4)
    assert http.get(f"/status/{name}").json()["artefact_uri"] is None
    launcher.finish(name, progress=Progress(phase="Completed", artefact_uri="s3://models/m.tar.gz"))
    body = http.get(f"/status/{name}").json()
    assert (body["artefact_uri"], body["model_version"]) == ("s3://models/m.tar.gz", None)
    assert body["metrics"] == {"sentiment": 0.4}, "the last known metrics are kept"
    assert TrainingRuns(database).record_version(name, "mine-1-0a1b2c3d")
    body = http.get(f"/status/{name}").json()
    assert (body["state"], body["model_version"]) == ("completed", "mine-1-0a1b2c3d")
    assert body["artefact_uri"] == "s3://models/m.tar.gz"
    assert not TrainingRuns(database).record_version("train_20260310_999", "mine-1-0a1b2c3d")


def test_a_version_registered_before_the_run_ended_is_kept(http, launcher, database):
    name = start(http)["training_id"]
    TrainingRuns(database).record_version(name, "mine-1-0a1b2c3d")
    launcher.finish(name)
    assert http.get(f"/status/{name}").json()["model_version"] == "mine-1-0a1b2c3d"


def test_an_ended_run_is_reported_from_the_database(http, launcher):
    name = start(http)["training_id"]
    launcher.run(name, epoch=1, step=9, steps=9, seconds=3.0)
    launcher.fail(name, "no reviews of sentiment neutral")
    first = http.get(f"/status/{name}").json()
    assert (first["state"], first["failure_reason"]) == (
        "failed",
        "no reviews of sentiment neutral",
    )
    launcher.jobs.clear()
    assert http.get(f"/status/{name}").json() == first


def test_an_identical_request_returns_the_active_run(http, launcher):
    name = start(http)["training_id"]
    launcher.run(name, step=1)
    again = start(http)
    assert (again["training_id"], again["status"]) == (name, "running")
    other = start(http, epochs=3)["training_id"]
    assert other != name
    launcher.finish(name)
    assert start(http)["training_id"] not in (name, other)
    assert len(launcher.started) == 3


def test_a_key_returns_its_run_after_it_has_ended(http, launcher):
    name = start(http, key="k1")["training_id"]
    launcher.finish(name)
    again = start(http, key="k1")
    assert (again["training_id"], again["status"]) == (name, "completed")
    assert start(http, key="k2")["training_id"] != name
    assert len(launcher.started) == 2


def test_a_key_that_joined_an_active_run_is_bound_to_it(http, launcher):
    name = start(http)["training_id"]
    assert start(http, key="later")["training_id"] == name
    launcher.finish(name)
    assert start(http, key="later")["training_id"] == name


def test_a_new_key_does_not_join_a_run_that_has_ended(http, launcher):
    name = start(http)["training_id"]
    launcher.finish(name)
    new = start(http, key="new")
    assert new["training_id"] != name
    assert start(http, key="new")["training_id"] == new["training_id"]


def test_a_key_with_another_body_is_a_conflict(http, launcher):
    start(http, key="k1")
    response = http.post("/train", json={**BODY, "epochs": 5}, headers={"Idempotency-Key": "k1"})
    assert (response.status_code, response.json()["code"]) == (409, "conflict")
    assert response.json()["errors"][0]["field"] == "Idempotency-Key"
    assert len(launcher.started) == 1


@pytest.mark.parametrize("key", ["", "x" * 129, "a b", "é", "\t"])
def test_an_invalid_key_is_rejected(http, launcher, key):
    response = http.post("/train", json=BODY, headers={"Idempotency-Key": key.encode()})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "idempotency-key"
    assert launcher.started == []


def test_concurrent_identical_requests_start_one_run(http, launcher):
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda n: start(http, key=f"k{n % 3}")["training_id"], range(24)))
    assert len(names) == 1
    assert len(launcher.started) == 1


def test_ids_of_a_day_have_no_gaps_or_duplicates(http, launcher):
    with ThreadPoolExecutor(8) as pool:
        rates = [round(1e-5 + n * 1e-7, 8) for n in range(30)]
        names = list(pool.map(lambda r: start(http, learning_rate=r)["training_id"], rates))
    assert sorted(int(name.rpartition("_")[2]) for name in names) == list(range(1, 31))


def test_the_thousandth_id_of_a_day_is_longer(http, rows, database):
    start(http)
    with database.transaction() as connection:
        connection.execute("UPDATE training_runs SET number = 999, training_id = 'train_x'")
    assert re.fullmatch(r"train_\d{8}_1000", start(http, epochs=1)["training_id"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("epochs", 21),
        ("epochs", 1.5),
        ("epochs", "many"),
        ("batch_size", 0),
        ("batch_size", 513),
        ("learning_rate", 0),
        ("learning_rate", -1e-5),
        ("learning_rate", 0.5),
        ("learning_rate", "nan"),
        ("model_name", ""),
        ("model_name", None),
        ("model_name", "../../etc/passwd"),
        ("model_name", "/etc/passwd"),
        ("model_name", "a/../b"),
        ("model_name", "https://example.com/model"),
        ("model_name", "s3://bucket/model"),
        ("model_name", "x" * 300),
        ("model_name", "a\0b"),
        ("model_name", "someone/private-encoder"),
        ("model_name", ENCODER.replace("bert", "private")),
        ("model_name", "bert-base-uncased@main"),
        ("model_name", "bert-base-uncased@0123456"),
        ("model_name", "."),
    ],
)
def test_an_invalid_parameter_is_rejected_with_its_field(http, launcher, field, value):
    response = http.post("/train", json={**BODY, field: value})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["errors"][0]["field"] == field
    assert launcher.started == []


def test_a_public_encoder_without_a_commit_is_rejected_with_the_form_to_use(http, launcher):
    response = http.post("/train", json={**BODY, "model_name": "bert-base-uncased"})
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert error["field"] == "model_name"
    assert "not pinned: name the commit" in response.json()["detail"]
    assert "bert-base-uncased@" in response.json()["detail"]
    assert launcher.started == []


def test_a_registered_encoder_is_accepted(http, launcher):
    start(http, model_name="own-encoder")
    assert launcher.started[0].parameters.model_name == "own-encoder"


def test_cancelling_ends_an_active_run(http, launcher):
    name = start(http)["training_id"]
    response = http.post(f"/status/{name}/cancel")
    assert (response.status_code, response.json()["state"]) == (202, "cancelled")
    assert http.post(f"/status/{name}/cancel").json()["state"] == "cancelled"
    assert http.get(f"/status/{name}").json()["finished_at"] is not None


def test_a_completed_run_cannot_be_cancelled(http, launcher):
    name = start(http)["training_id"]
    launcher.finish(name)
    response = http.post(f"/status/{name}/cancel")
    assert (response.status_code, response.json()["code"]) == (409, "conflict")
    assert "completed" in response.json()["detail"]


@pytest.mark.parametrize("suffix", ["", "/cancel"])
def test_an_unknown_id_is_not_found_and_a_malformed_one_is_rejected(http, suffix):
    send = http.post if suffix else http.get
    assert send(f"/status/train_20260310_001{suffix}").status_code == 404
    for name in ("train_1_1", "TRAIN_20260310_001", "train_20260310_001%00", "train_٢٠٢٦٠٣١٠_001"):
        response = send(f"/status/{name}{suffix}")
        assert response.status_code == 422, name
        assert response.json()["errors"][0]["field"] == "training_id"


def test_the_estimate_uses_the_pace_of_completed_runs(http, launcher, database):
    now = datetime.now(UTC)
    for rate in (40, 50, 400):
        name = start(http, learning_rate=rate * 1e-7)["training_id"]
        duration = timedelta(seconds=1000 * BODY["epochs"] / rate)
        launcher.finish(name, started_at=now - duration, finished_at=now)
        http.get(f"/status/{name}")
    body = start(http, epochs=5)
    assert seconds_from_now(body["estimated_completion_time"]) == pytest.approx(100, abs=10)
    # another encoder has no completed runs, so the default pace applies
    body = start(http, model_name="own-encoder", epochs=5)
    assert seconds_from_now(body["estimated_completion_time"]) == pytest.approx(500, abs=10)


def test_a_rejected_request_stores_no_run(http, launcher, rows):
    launcher.problem = ConflictError("train_20260310_001 runs; wait for its end, or cancel it")
    response = http.post("/train", json=BODY, headers={"Idempotency-Key": "k"})
    assert (response.status_code, response.json()["code"]) == (409, "conflict")
    assert "train_20260310_001" in response.json()["detail"]
    assert rows("SELECT count(*) FROM training_runs") == [(0,)]
    assert http.get("/health").json()["status"] == "ok"
    launcher.problem = None
    assert start(http, key="k")["training_id"].endswith("_001")


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (UnavailableError("SageMaker does not response"), 503, "SageMaker does not response"),
        (ConflictError("another training runs"), 409, "another training runs"),
    ],
)
def test_a_run_that_cannot_be_launched_fails_and_frees_its_key(
    http, launcher, error, status, reason
):
    def fail(_job):
        raise error

    launcher.start = fail
    response = http.post("/train", json=BODY, headers={"Idempotency-Key": "k"})
    assert response.status_code == status
    del launcher.start
    again = start(http, key="k")["training_id"]
    assert again.endswith("_002")
    # a client that knows the failed run can read its outcome
    body = http.get(f"/status/{again.replace('_002', '_001')}").json()
    assert (body["state"], body["failure_reason"]) == ("failed", reason)


def test_an_unavailable_launcher_is_explained_and_noted_in_health(http, launcher):
    launcher.problem = UnavailableError("there is no training environment here: `make test-train`")
    response = http.post("/train", json=BODY)
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert "make test-train" in response.json()["detail"]
    health = http.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert "make test-train" in health.json()["checks"]["launcher"]["detail"]


def test_a_job_unknown_to_its_launcher_fails_after_a_minute(http, launcher, database):
    name = start(http)["training_id"]
    launcher.jobs.clear()
    assert http.get(f"/status/{name}").json()["state"] == "started"
    with database.transaction() as connection:
        connection.execute("UPDATE training_runs SET requested_at = now() - interval '2 minutes'")
    body = http.get(f"/status/{name}").json()
    assert body["state"] == "failed"
    assert "never started" in body["failure_reason"]
    assert start(http)["training_id"] != name


def test_without_the_database_every_route_is_unavailable(launcher, tmp_path):
    secret = {"host": str(tmp_path), "port": 1, "username": "u", "password": "p", "dbname": "d"}
    http = client_of(Database(lambda: secret, wait_seconds=0.2), launcher)
    for response in (
        http.post("/train", json=BODY),
        http.get("/status/train_20260310_001"),
        http.post("/status/train_20260310_001/cancel"),
    ):
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert response.headers["retry-after"] == "5"
    assert http.get("/health").status_code == 503
    assert launcher.started == []
