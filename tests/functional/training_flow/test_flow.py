"""From a finished training to the current model: the outcome of the flow for an operator."""

import json

import pytest

from shared.storage import artefacts, clients, registry


def visited_states(execution):
    events = clients.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    entered = [each.get("stateEnteredEventDetails") for each in events]
    return [each["name"] for each in entered if each]


def test_a_candidate_that_passes_the_gate_becomes_current(
    run, candidates, shipped, store, rows, training, aws
):
    output = run()
    assert output == {
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
    # the status of the training names the resulting version
    assert rows("SELECT model_version FROM training_runs") == [(candidates.version,)]
    model = registry.describe(store, candidates.version)
    assert (model.state, model.evaluated) == ("current", True)


def test_a_candidate_that_fails_the_gate_is_not_activated_and_the_flow_succeeds(
    run, candidates, shipped, store, aws, rows
):
    candidates.accuracy = 0.8
    output = run()
    assert (output["verdict"], output["against"]) == ("kept", shipped)
    assert any("accuracy" in reason for reason in output["reasons"])
    assert artefacts.current(store, "model").version == shipped
    model = registry.describe(store, candidates.version)
    assert (model.state, model.gate.passed) == ("candidate", False)
    assert [name.split("-")[0] for name in aws.requests] == ["candidate"]
    assert rows("SELECT model_version FROM training_runs") == [(candidates.version,)]


def test_the_first_model_needs_no_gate(run, candidates, store):
    output = run()
    assert (output["verdict"], output["against"]) == ("active", None)
    assert artefacts.current(store, "model").version == candidates.version


def test_jobs_get_only_the_inputs_they_need(run, candidates, shipped, aws, training):
    run()
    prepared, activated = (
        aws.requests[f"{kind}-{training}-1"] for kind in ("candidate", "activate")
    )
    assert candidates.inputs == [
        "current/manifest.json",
        "current/model.onnx",
        "current/tokenizer.json",
        "data/test.parquet",
        "run/model.tar.gz",
        "train/train.parquet",
    ]
    assert prepared["Environment"] is None
    assert activated["ProcessingInputs"] is None
    assert activated["NetworkConfig"]["VpcConfig"] == {
        "Subnets": ["subnet-1", "subnet-2"],
        "SecurityGroupIds": ["sg-1"],
    }
    assert activated["AppSpecification"]["ContainerArguments"][0] == "--model-version"
    assert activated["Environment"]["AWS_DEFAULT_REGION"] == "eu-west-1"
    for request in (prepared, activated):
        assert request["StoppingCondition"]["MaxRuntimeInSeconds"] >= 3600


def test_the_flow_waits_for_a_running_training(
    flow, training, candidates, shipped, set_status, eventually
):
    set_status("InProgress")
    execution = flow.start(training)
    eventually(lambda: len(flow.events) > 2)
    set_status("Completed")
    assert json.loads(flow.wait(execution, eventually)["output"])["verdict"] == "active"
    visited = visited_states(execution)
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
def test_a_training_without_a_result_ends_the_flow_with_its_reason(
    run, set_status, aws, status, reason, expected
):
    set_status(status, reason)
    output = run()
    assert {name: output[name] for name in expected} == expected
    assert aws.requests == {}


def test_a_failed_candidate_job_ends_the_flow_with_its_reason(run, candidates, shipped, store):
    candidates.failure = "ParityError: the graph does not answer as the model does"
    output = run()
    assert (output["error"], output["cause"]) == ("CandidateFailed", candidates.failure)
    # a second attempt is a new job
    candidates.failure = ""
    assert run()["verdict"] == "active"


def test_a_failed_activation_job_ends_the_flow_with_its_reason(
    run, candidates, shipped, store, aws
):
    activate = aws.containers["sagemaker_jobs.activate"]

    def activate_without_a_file(request, folder):
        store.delete(f"models/{candidates.version}/model.onnx")
        return activate(request, folder)

    aws.containers["sagemaker_jobs.activate"] = activate_without_a_file
    output = run()
    assert output["error"] == "ActivationFailed"
    assert "model.onnx" in output["cause"]
    assert artefacts.current(store, "model").version == shipped


def test_a_candidate_overtaken_by_another_model_is_not_activated(
    run, candidates, shipped, store, monkeypatch
):
    record_current, calls = registry.record_current, []

    def overtake(where, version):
        if not calls:
            calls.append(artefacts.current(where, "model"))
            registry.register(where, renamed(candidates, "other-1-bbbb"))
            etag = calls[0].etag
            artefacts.move_pointer(where, "model", "other-1-bbbb", if_match=etag)
        record_current(where, version)

    monkeypatch.setattr(registry, "record_current", overtake)
    output = run()
    assert output["verdict"] == "kept"
    assert "other-1-bbbb became current first" in output["reasons"][0]
    assert artefacts.current(store, "model").version == "other-1-bbbb"


def renamed(candidates, version):
    from tests.models import renamed_model

    return renamed_model(candidates._folder / version, version)


def test_two_events_of_one_training_make_one_candidate(
    flow, training, candidates, shipped, eventually, aws
):
    aws.may_end = lambda: flow.done.count("start_candidate") == 2
    executions = [flow.start(training), flow.start(training)]
    output = [json.loads(flow.wait(each, eventually)["output"]) for each in executions]
    assert [each["verdict"] for each in output] == ["active", "active"]
    assert {each["version"] for each in output} == {candidates.version}
    assert [name for name in aws.requests if "candidate" in name] == [f"candidate-{training}-1"]


def test_a_step_is_retried_after_a_brief_outage(run, candidates, shipped, monkeypatch):
    from lambdas.promotion.jobs import SageMakerJobs
    from shared.errors import UnavailableError

    describe_training, failed = SageMakerJobs.describe_training, []

    def fail_once(self, name):
        if not failed:
            failed.append(name)
            raise UnavailableError("SageMaker does not answer")
        return describe_training(self, name)

    monkeypatch.setattr(SageMakerJobs, "describe_training", fail_once)
    assert run()["verdict"] == "active"
    assert failed


def test_an_unknown_training_fails_with_its_name(run):
    output = run("train-20200101-001")
    assert output["error"] == "NotFoundError"
    assert "there is no training job train-20200101-001" in output["cause"]


def test_an_invalid_training_name_is_rejected(run):
    output = run("../../models")
    assert output["error"] == "InvalidInputError"
    assert "training_job" in output["cause"]
