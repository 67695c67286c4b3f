"""Trainings over HTTP, on the real database."""

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

BODY = {"model_name": "bert-base-uncased", "epochs": 2, "batch_size": 16, "learning_rate": 3e-5}


@pytest.fixture
def launcher():
    return MemoryLauncher(rows=1000)


@pytest.fixture
def http(database, launcher):
    return app_on(database, launcher)


def app_on(database, launcher):
    ports = Dependencies(database, TrainingRuns(database), launcher, rate=10.0)
    return TestClient(create_app(ports))


def start(http, key=None, **fields):
    headers = {"Idempotency-Key": key} if key else {}
    answer = http.post("/train", json={**BODY, **fields}, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()


def seconds_from_now(text):
    return (datetime.fromisoformat(text) - datetime.now(UTC)).total_seconds()


def test_a_training_starts_and_says_when_it_should_be_done(http, launcher):
    told = start(http)
    today = datetime.now(UTC).strftime("%Y%m%d")
    assert told["training_id"] == f"train_{today}_001"
    assert told["status"] == "started"
    assert told["warnings"] == []
    # 1,000 reviews, two epochs, ten a second
    assert seconds_from_now(told["estimated_completion_time"]) == pytest.approx(200, abs=10)
    (job,) = launcher.started
    assert job.parameters.model_dump() == BODY


def test_without_a_body_the_defaults_are_trained_with(http, launcher):
    assert http.post("/train").status_code == 202
    assert launcher.started[0].parameters.model_dump() == {
        "model_name": "all-MiniLM-L6-v2", "epochs": 3, "batch_size": 32, "learning_rate": 2e-5
    }  # fmt: skip


def test_unknown_fields_are_named_and_ignored(http):
    (warning,) = start(http, dropout=0.5)["warnings"]
    assert "dropout" in warning


def test_status_follows_the_job(http, launcher):
    name = start(http)["training_id"]
    told = http.get(f"/status/{name}").json()
    assert (told["state"], told["epoch"], told["metrics"]) == ("started", None, {})
    assert told["parameters"] == BODY
    launcher.run(name, epoch=0, step=25, steps=100, seconds=10.0, sentiment=0.4, macro_f1=0.6)
    told = http.get(f"/status/{name}").json()
    assert (told["state"], told["epoch"], told["step"], told["steps"]) == ("running", 1, 25, 100)
    assert told["metrics"] == {"sentiment": 0.4, "macro_f1": 0.6}
    # at the pace of its own steps by now
    assert seconds_from_now(told["estimated_completion_time"]) == pytest.approx(30, abs=5)
    launcher.finish(name, model_version="m-1")
    told = http.get(f"/status/{name}").json()
    assert (told["state"], told["model_version"]) == ("completed", "m-1")
    assert told["metrics"] == {"sentiment": 0.4, "macro_f1": 0.6}
    assert told["finished_at"] is not None
    assert told["estimated_completion_time"] is None


def test_where_the_trained_weights_lie_is_told_until_a_version_is_registered_from_them(
    http, launcher, database
):
    name = start(http)["training_id"]
    launcher.run(name, epoch=0, step=25, steps=100, sentiment=0.4)
    assert http.get(f"/status/{name}").json()["artefact_uri"] is None
    launcher.finish(name, progress=Progress(phase="Completed", artefact_uri="s3://models/m.tar.gz"))
    told = http.get(f"/status/{name}").json()
    assert (told["artefact_uri"], told["model_version"]) == ("s3://models/m.tar.gz", None)
    assert told["metrics"] == {"sentiment": 0.4}, "what was known of it stays"
    assert TrainingRuns(database).note_version(name, "mine-1-0a1b2c3d")
    told = http.get(f"/status/{name}").json()
    assert (told["state"], told["model_version"]) == ("completed", "mine-1-0a1b2c3d")
    assert told["artefact_uri"] == "s3://models/m.tar.gz"
    assert not TrainingRuns(database).note_version("train_20260310_999", "mine-1-0a1b2c3d")


def test_a_version_that_was_registered_before_anybody_asked_how_the_run_stands_stays(
    http, launcher, database
):
    name = start(http)["training_id"]
    TrainingRuns(database).note_version(name, "mine-1-0a1b2c3d")
    launcher.finish(name)
    assert http.get(f"/status/{name}").json()["model_version"] == "mine-1-0a1b2c3d"


def test_what_has_ended_is_told_from_the_database_alone(http, launcher):
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


def test_an_equal_request_is_the_same_run_while_it_is_active(http, launcher):
    name = start(http)["training_id"]
    launcher.run(name, step=1)
    again = start(http)
    assert (again["training_id"], again["status"]) == (name, "running")
    other = start(http, epochs=3)["training_id"]
    assert other != name
    launcher.finish(name)
    assert start(http)["training_id"] not in (name, other)
    assert len(launcher.started) == 3


def test_a_key_answers_the_same_run_whatever_became_of_it(http, launcher):
    name = start(http, key="k1")["training_id"]
    launcher.finish(name)
    again = start(http, key="k1")
    assert (again["training_id"], again["status"]) == (name, "completed")
    assert start(http, key="k2")["training_id"] != name
    assert len(launcher.started) == 2


def test_a_key_that_met_an_active_run_stays_with_it(http, launcher):
    name = start(http)["training_id"]
    assert start(http, key="later")["training_id"] == name
    launcher.finish(name)
    assert start(http, key="later")["training_id"] == name


def test_a_new_key_does_not_get_a_run_that_ended_while_nobody_looked(http, launcher):
    name = start(http)["training_id"]
    launcher.finish(name)
    fresh = start(http, key="new")
    assert fresh["training_id"] != name
    assert start(http, key="new")["training_id"] == fresh["training_id"]


def test_a_key_with_another_body_is_a_conflict(http, launcher):
    start(http, key="k1")
    answer = http.post("/train", json={**BODY, "epochs": 5}, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert len(launcher.started) == 1


@pytest.mark.parametrize("key", ["", "x" * 129, "a b", "é", "\t"])
def test_a_key_that_cannot_be_is_refused(http, launcher, key):
    answer = http.post("/train", json=BODY, headers={"Idempotency-Key": key.encode()})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "idempotency-key"
    assert launcher.started == []


def test_many_equal_requests_at_once_start_one_run(http, launcher):
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda n: start(http, key=f"k{n % 3}")["training_id"], range(24)))
    assert len(names) == 1
    assert len(launcher.started) == 1


def test_ids_of_a_day_count_up_without_gap_or_double(http, launcher):
    with ThreadPoolExecutor(8) as pool:
        rates = [round(1e-5 + n * 1e-7, 8) for n in range(30)]
        names = list(pool.map(lambda r: start(http, learning_rate=r)["training_id"], rates))
    assert sorted(int(name.rpartition("_")[2]) for name in names) == list(range(1, 31))


def test_the_thousandth_of_a_day_has_a_longer_number(http, rows, database):
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
        ("model_name", "somebody/elses-encoder"),
        ("model_name", "."),
    ],
)
def test_what_cannot_be_trained_with_is_refused_by_its_field(http, launcher, field, value):
    answer = http.post("/train", json={**BODY, field: value})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == field
    assert launcher.started == []


def test_a_registered_encoder_is_trained(http, launcher):
    start(http, model_name="own-encoder")
    assert launcher.started[0].parameters.model_name == "own-encoder"


def test_cancelling_ends_an_active_run_once_and_for_all(http, launcher):
    name = start(http)["training_id"]
    answer = http.post(f"/status/{name}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    assert http.post(f"/status/{name}/cancel").json()["state"] == "cancelled"
    assert http.get(f"/status/{name}").json()["finished_at"] is not None


def test_what_has_ended_otherwise_cannot_be_cancelled(http, launcher):
    name = start(http)["training_id"]
    launcher.finish(name)
    answer = http.post(f"/status/{name}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "completed" in answer.json()["detail"]


@pytest.mark.parametrize("suffix", ["", "/cancel"])
def test_an_unknown_id_is_not_found_and_a_malformed_one_is_told(http, suffix):
    ask = http.post if suffix else http.get
    assert ask(f"/status/train_20260310_001{suffix}").status_code == 404
    for name in ("train_1_1", "TRAIN_20260310_001", "train_20260310_001%00", "train_٢٠٢٦٠٣١٠_001"):
        answer = ask(f"/status/{name}{suffix}")
        assert answer.status_code == 422, name
        assert answer.json()["errors"][0]["field"] == "training_id"


def test_the_estimate_is_measured_on_runs_that_were_completed(http, launcher, database):
    now = datetime.now(UTC)
    for rate in (40, 50, 400):
        name = start(http, learning_rate=rate * 1e-7)["training_id"]
        took = timedelta(seconds=1000 * BODY["epochs"] / rate)
        launcher.finish(name, started_at=now - took, finished_at=now)
        http.get(f"/status/{name}")
    told = start(http, epochs=5)
    assert seconds_from_now(told["estimated_completion_time"]) == pytest.approx(100, abs=10)
    # another encoder is another pace: it goes by the default
    told = start(http, model_name="own-encoder", epochs=5)
    assert seconds_from_now(told["estimated_completion_time"]) == pytest.approx(500, abs=10)


def test_a_refusal_because_another_runs_leaves_nothing_behind(http, launcher, rows):
    launcher.problem = ConflictError("train_20260310_001 runs; wait for its end, or cancel it")
    answer = http.post("/train", json=BODY, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "train_20260310_001" in answer.json()["detail"]
    assert rows("SELECT count(*) FROM training_runs") == [(0,)]
    assert http.get("/health").json()["status"] == "ok"
    launcher.problem = None
    assert start(http, key="k")["training_id"].endswith("_001")


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (UnavailableError("SageMaker does not answer"), 503, "SageMaker does not answer"),
        (ConflictError("another training runs"), 409, "another training runs"),
    ],
)
def test_a_run_that_cannot_be_launched_has_failed_and_its_key_is_free(
    http, launcher, error, status, reason
):
    def broken(_job):
        raise error

    launcher.start = broken
    answer = http.post("/train", json=BODY, headers={"Idempotency-Key": "k"})
    assert answer.status_code == status
    del launcher.start
    again = start(http, key="k")["training_id"]
    assert again.endswith("_002")
    # whoever was told of it meanwhile learns what became of it
    told = http.get(f"/status/{again.replace('_002', '_001')}").json()
    assert (told["state"], told["failure_reason"]) == ("failed", reason)


def test_where_nothing_can_be_trained_it_says_what_to_do_and_health_remarks_it(http, launcher):
    launcher.problem = UnavailableError("there is no training environment here: `make test-train`")
    answer = http.post("/train", json=BODY)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "make test-train" in answer.json()["detail"]
    health = http.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert "make test-train" in health.json()["checks"]["launcher"]["detail"]


def test_a_job_that_its_launcher_never_got_has_failed_after_a_minute(http, launcher, database):
    name = start(http)["training_id"]
    launcher.jobs.clear()
    assert http.get(f"/status/{name}").json()["state"] == "started"
    with database.transaction() as connection:
        connection.execute("UPDATE training_runs SET requested_at = now() - interval '2 minutes'")
    told = http.get(f"/status/{name}").json()
    assert told["state"] == "failed"
    assert "never started" in told["failure_reason"]
    assert start(http)["training_id"] != name


def test_without_the_database_every_route_is_unavailable(launcher, tmp_path):
    secret = {"host": str(tmp_path), "port": 1, "username": "u", "password": "p", "dbname": "d"}
    http = app_on(Database(lambda: secret, wait_seconds=0.2), launcher)
    for answer in (
        http.post("/train", json=BODY),
        http.get("/status/train_20260310_001"),
        http.post("/status/train_20260310_001/cancel"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "5"
    assert http.get("/health").status_code == 503
    assert launcher.started == []
