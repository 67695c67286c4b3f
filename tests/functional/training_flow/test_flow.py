"""From a training to the model that answers: what an operator finds when the flow has ended."""

import json

import pytest

from sagemaker_jobs.activate import activation
from shared.storage import artefacts, clients, registry


def states_of(execution):
    events = clients.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    entered = [each.get("stateEnteredEventDetails") for each in events]
    return [each["name"] for each in entered if each]


def test_a_candidate_that_is_as_good_becomes_current(
    run, candidates, shipped, store, rows, training, aws
):
    said = run()
    assert said == {
        "verdict": "active",
        "training_job": training,
        "version": candidates.version,
        "against": shipped,
        "reasons": [],
    }
    assert artefacts.current(store, "model").version == candidates.version
    index = artefacts.read_manifest(store, "index", artefacts.current(store, "index").version)
    assert (index.model_version, index.count) == (candidates.version, 3)
    assert rows("SELECT DISTINCT model_version FROM shards") == [(candidates.version,)]
    # the status of the training tells what became of it
    assert rows("SELECT model_version FROM training_runs") == [(candidates.version,)]
    told = registry.describe(store, candidates.version)
    assert (told.state, told.evaluated) == ("current", True)


def test_one_that_the_gate_refuses_is_kept_back_and_that_is_no_failure(
    run, candidates, shipped, store, aws, rows
):
    candidates.accuracy = 0.8
    said = run()
    assert (said["verdict"], said["against"]) == ("kept", shipped)
    assert any("accuracy" in reason for reason in said["reasons"])
    assert artefacts.current(store, "model").version == shipped
    told = registry.describe(store, candidates.version)
    assert (told.state, told.gate.passed) == ("candidate", False)
    assert [name.split("-")[0] for name in aws.requests] == ["candidate"]
    assert rows("SELECT model_version FROM training_runs") == [(candidates.version,)]


def test_the_first_model_of_all_needs_no_gate(run, candidates, store):
    said = run()
    assert (said["verdict"], said["against"]) == ("active", None)
    assert artefacts.current(store, "model").version == candidates.version


def test_jobs_get_what_they_need_and_no_more(run, candidates, shipped, aws, training):
    run()
    made, activated = (aws.requests[f"{kind}-{training}-1"] for kind in ("candidate", "activate"))
    assert candidates.inputs == [
        "current/manifest.json",
        "current/model.onnx",
        "current/tokenizer.json",
        "data/test.parquet",
        "run/model.tar.gz",
        "train/train.parquet",
    ]
    assert made["Environment"] is None
    assert activated["ProcessingInputs"] is None
    assert activated["NetworkConfig"]["VpcConfig"] == {
        "Subnets": ["subnet-1", "subnet-2"],
        "SecurityGroupIds": ["sg-1"],
    }
    assert activated["AppSpecification"]["ContainerArguments"][0] == "--model-version"
    assert activated["Environment"]["AWS_DEFAULT_REGION"] == "eu-west-1"
    for request in (made, activated):
        assert request["StoppingCondition"]["MaxRuntimeInSeconds"] >= 3600


def test_it_waits_for_a_training_that_goes_on(
    flow, training, candidates, shipped, status_of, eventually
):
    status_of("InProgress")
    execution = flow.start(training)
    eventually(lambda: len(flow.events) > 2)
    status_of("Completed")
    assert json.loads(flow.end(execution, eventually)["output"])["verdict"] == "active"
    visited = states_of(execution)
    assert visited.count("WaitForTraining") >= 2
    assert visited.count("WaitForCandidate") == visited.count("WaitForActivation") == 2


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (
            "Failed",
            "ValueError: epochs",
            {"error": "TrainingFailed", "cause": "ValueError: epochs"},
        ),
        ("Stopped", None, {"verdict": "none", "reasons": ["the job was stopped"]}),
    ],
)
def test_a_training_that_came_to_nothing_is_told(run, status_of, aws, status, reason, expected):
    status_of(status, reason)
    said = run()
    assert {name: said[name] for name in expected} == expected
    assert aws.requests == {}


def test_a_candidate_that_cannot_be_made_fails_with_the_reason_of_its_job(
    run, candidates, shipped, store
):
    candidates.failure = "ParityError: the graph does not answer as the model does"
    said = run()
    assert (said["error"], said["cause"]) == ("CandidateFailed", candidates.failure)
    # the same again is a job of its own
    candidates.failure = ""
    assert run()["verdict"] == "active"


def test_an_activation_that_breaks_off_fails_with_the_reason_of_its_job(
    run, candidates, shipped, store, aws
):
    activate = aws.containers["sagemaker_jobs.activate"]

    def over_a_lost_file(request, folder):
        store.delete(f"models/{candidates.version}/model.onnx")
        return activate(request, folder)

    aws.containers["sagemaker_jobs.activate"] = over_a_lost_file
    said = run()
    assert said["error"] == "ActivationFailed"
    assert "model.onnx" in said["cause"]
    assert artefacts.current(store, "model").version == shipped


def test_who_is_overtaken_is_kept_back(run, candidates, shipped, store, monkeypatch):
    note, overtaken = registry.note_found, []

    def overtake(where, version):
        if not overtaken:
            overtaken.append(artefacts.current(where, "model"))
            registry.register(where, renamed(candidates, "other-1-bbbb"))
            etag = overtaken[0].etag
            artefacts.move_pointer(where, "model", "other-1-bbbb", if_match=etag)
        note(where, version)

    monkeypatch.setattr(activation.registry, "note_found", overtake)
    said = run()
    assert said["verdict"] == "kept"
    assert "other-1-bbbb became current meanwhile" in said["reasons"][0]
    assert artefacts.current(store, "model").version == "other-1-bbbb"


def renamed(candidates, version):
    from tests.models import renamed_model

    return renamed_model(candidates._folder / version, version)


def test_the_same_event_twice_makes_one_candidate(
    flow, training, candidates, shipped, eventually, aws
):
    aws.may_end = lambda: flow.done.count("start_candidate") == 2
    executions = [flow.start(training), flow.start(training)]
    said = [json.loads(flow.end(each, eventually)["output"]) for each in executions]
    assert [each["verdict"] for each in said] == ["active", "active"]
    assert {each["version"] for each in said} == {candidates.version}
    assert [name for name in aws.requests if "candidate" in name] == [f"candidate-{training}-1"]


def test_what_is_unavailable_for_a_moment_is_tried_again(run, candidates, shipped, monkeypatch):
    from lambdas.promotion.jobs import Jobs
    from shared.errors import UnavailableError

    real, failed = Jobs.training, []

    def first_down(self, name):
        if not failed:
            failed.append(name)
            raise UnavailableError("SageMaker does not answer")
        return real(self, name)

    monkeypatch.setattr(Jobs, "training", first_down)
    assert run()["verdict"] == "active"
    assert failed


def test_a_training_that_nobody_knows_is_told(run):
    said = run("train-20200101-001")
    assert said["error"] == "NotFoundError"
    assert "there is no training job train-20200101-001" in said["cause"]


def test_a_name_that_is_none_is_told(run):
    said = run("../../models")
    assert said["error"] == "InvalidInputError"
    assert "training_job" in said["cause"]
