"""Stored reviews are scored by a map of the flow, side by side, before a new model is current."""

import json

import pytest

from lambdas.processing.dependencies import build_dependencies
from lambdas.processing.rescoring import run_step
from shared.db.ingest.shards import mark_processed
from shared.errors import InvalidInputError, NotFoundError
from shared.storage import artefacts, clients
from shared.storage.objects import S3Store
from tests.functional.training_flow.test_flow import visited_states
from tests.ingests import store_shard
from tests.models import renamed_model

PARTS, ROWS = 5, 3


@pytest.fixture
def shards(shipped, database, ledger, monkeypatch):
    """An ingest of five processed shards, of three reviews each, beside the first one."""
    monkeypatch.setenv("REVIEWLENS_RESCORING_SHARDS", "2")
    ingest_id = ledger.receive("raw", "uploads/large", "etag")
    ledger.start(ingest_id)
    clean = S3Store(clients.client("s3"), "clean")
    for part in range(1, PARTS + 1):
        reviews = [
            {"review_id": f"l{part}.{n}", "record": part * ROWS + n, "source": "test"}
            | {"text": f"The churn number {part}.{n} broke at once."}
            for n in range(ROWS)
        ]
        fingerprint = f"f{part}"
        shard = store_shard(database, clean, ingest_id, part, reviews, fingerprint=fingerprint)
        with database.transaction() as connection:
            mark_processed(connection, shard, shipped)
    ledger.finish(ingest_id)
    return ingest_id


@pytest.fixture
def activated(aws):
    """What the activation job reported."""
    reports, activate = [], aws.containers

    def remember(request, folder):
        status, message = activate["original"](request, folder)
        reports.append(json.loads(message))
        return status, message

    def install():
        activate["original"] = activate["sagemaker_jobs.activate"]
        activate["sagemaker_jobs.activate"] = remember
        return reports

    return install


def test_shards_are_scored_once_whatever_happens_to_attempts(
    flow, training, candidates, shards, store, rows, activated, eventually
):
    reports = activated()
    flow.faults = {
        1: ["Lambda.TooManyRequestsException"] * 2,
        2: ["Sandbox.Timedout"],
        3: ["UnavailableError"],
    }
    execution = flow.start(training)
    output = json.loads(flow.wait(execution, eventually)["output"])
    assert output["verdict"] == "active"
    assert visited_states(execution).count("ScoreShards") == 1
    assert [flow.attempts(part) for part in range(1, PARTS + 1)] == [3, 2, 2, 1, 1]
    assert [report["reviews_scored"] for report in reports] == [0]
    scored = rows("SELECT count(*) FROM analyses WHERE model_version = %s", candidates.version)
    assert scored == [(3 + PARTS * ROWS,)]
    index = artefacts.read_manifest(store, "index", artefacts.current(store, "index").version)
    assert (index.model_version, index.count) == (candidates.version, 3 + PARTS * ROWS)


def test_a_poisoned_shard_is_left_to_the_activation(
    flow, training, candidates, shards, rows, activated, eventually
):
    reports = activated()
    flow.faults = {4: ["FormatError"]}
    execution = flow.start(training)
    assert json.loads(flow.wait(execution, eventually)["output"])["verdict"] == "active"
    assert flow.attempts(4) == 1
    # the interpreter stops a map at its first failed item, AWS when a tenth has failed
    assert ROWS <= reports[0]["reviews_scored"] <= PARTS * ROWS
    scored = rows("SELECT count(*) FROM analyses WHERE model_version = %s", candidates.version)
    assert scored == [(3 + PARTS * ROWS,)]


def test_few_shards_are_left_to_the_activation(
    flow, training, candidates, shipped, activated, eventually
):
    reports = activated()
    execution = flow.start(training)
    assert json.loads(flow.wait(execution, eventually)["output"])["verdict"] == "active"
    assert "PlanScoring" in visited_states(execution)
    assert "ScoreShards" not in visited_states(execution)
    assert [report["reviews_scored"] for report in reports] == [3]


def test_a_plan_that_fails_leaves_everything_to_the_activation(
    flow, training, candidates, shards, activated, eventually, monkeypatch
):
    reports = activated()
    monkeypatch.setenv("REVIEWLENS_RESCORING_SHARDS", "none")
    execution = flow.start(training)
    assert json.loads(flow.wait(execution, eventually)["output"])["verdict"] == "active"
    assert [report["reviews_scored"] for report in reports] == [3 + PARTS * ROWS]


def test_scores_of_a_candidate_change_no_answer_and_a_second_plan_lists_what_is_missing(
    shards, store, rows, tmp_path, shipped
):
    from shared.storage import registry

    version = registry.register(store, renamed_model(tmp_path / "m", "new-1-abcd")).version
    dependencies = build_dependencies()
    plan = {"step": "plan", "model_version": version}
    answer = run_step(dependencies, plan)
    assert answer["shards"] == PARTS + 1
    items = json.loads(dependencies.clean.get(answer["items"])[0])
    results = [run_step(dependencies, {"step": "score", "item": item}) for item in items[:4]]
    assert results == [{"rows": ROWS}] * 4
    assert run_step(dependencies, plan)["shards"] == PARTS + 1 - 4
    assert rows("SELECT DISTINCT model_version FROM shards") == [(shipped,)]
    assert artefacts.current(store, "model").version == shipped


def test_a_lost_shard_is_reported_and_a_bad_event_names_its_field(shards, store, tmp_path):
    from shared.storage import registry

    version = registry.register(store, renamed_model(tmp_path / "m", "new-1-abcd")).version
    dependencies = build_dependencies()
    answer = run_step(dependencies, {"step": "plan", "model_version": version})
    item = json.loads(dependencies.clean.get(answer["items"])[0])[-1]
    dependencies.clean.delete(item["shard"]["key"])
    lost = run_step(dependencies, {"step": "score", "item": item})
    assert lost == {"rows": 0, "reason": "the clean shard is lost or damaged"}
    with pytest.raises(InvalidInputError, match="model_version"):
        run_step(dependencies, {"step": "plan"})
    with pytest.raises(NotFoundError):
        run_step(dependencies, {"step": "plan", "model_version": "none-1-aaaa"})
