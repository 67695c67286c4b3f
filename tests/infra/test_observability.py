"""Alarms, the dashboard, and how drift of the model is seen."""

import json
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from cdk.constructs.database_alarms import DatabaseMetrics, watch_database
from cdk.constructs.drift import expected_confidence
from cdk.environments import ENVIRONMENTS, DatabaseSize
from cdk.stacks.foundation import FoundationStack
from shared.observability import logs
from tests.infra.templates import Assembly, Resource

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(params=sorted(ENVIRONMENTS))
def watched(request, assembly: Assembly):
    """The template of what is watched, of each environment."""
    return assembly.one(request.param, "observability")


def _metrics(alarm: Resource) -> set[str]:
    said = alarm.properties
    named = [said] + [
        each["MetricStat"]["Metric"] for each in said.get("Metrics", []) if "MetricStat" in each
    ]
    return {each["MetricName"] for each in named if "MetricName" in each}


def _functions_with(assembly: Assembly, environment: str, metric: str) -> set[tuple[str, str]]:
    found = set()
    for alarm in assembly.all("AWS::CloudWatch::Alarm"):
        if alarm.stack.environment != environment or metric not in _metrics(alarm):
            continue
        said = alarm.properties
        for each in [said] + [
            part["MetricStat"]["Metric"] for part in said.get("Metrics", []) if "MetricStat" in part
        ]:
            for dimension in each.get("Dimensions", []):
                if dimension["Name"] == "FunctionName":
                    found.add(assembly.target(alarm.stack, dimension["Value"]))
    return found


def _services(assembly: Assembly, environment: str) -> set[tuple[str, str]]:
    """Functions that answer requests or work on queues."""
    stacks = [assembly.one(environment, name) for name in ("api", "collection", "processing")]
    return {
        (found.stack.name, found.name)
        for stack in stacks
        for found in stack.all("AWS::Lambda::Function")
        if "lambdas." in json.dumps(found.properties)
    }


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_raises_an_alarm_when_it_fails_or_is_refused(assembly, watched, metric):
    functions = _services(assembly, watched.environment)
    assert len(functions) >= 9  # six behind the API, three behind queues
    assert functions <= _functions_with(assembly, watched.environment, metric)


def test_every_state_machine_raises_an_alarm_when_an_execution_fails(assembly: Assembly):
    seen = {
        assembly.target(alarm.stack, dimension["Value"])
        for alarm in assembly.all("AWS::CloudWatch::Alarm")
        if "ExecutionsFailed" in _metrics(alarm)
        for dimension in alarm.properties["Dimensions"]
    }
    there = assembly.all("AWS::StepFunctions::StateMachine")
    # CDK's provider of a custom resource waits by a machine of its own
    ours = {(each.stack.name, each.name) for each in there if "waiter" not in each.name.lower()}
    assert ours <= seen


def test_the_api_raises_an_alarm_when_it_fails_or_is_slow(watched):
    alarms = [_metrics(alarm) for alarm in watched.all("AWS::CloudWatch::Alarm")]
    assert {"5XXError", "Count"} in alarms
    assert {"Latency"} in alarms


def test_the_database_raises_an_alarm_before_it_is_full(watched):
    limits = {
        name: alarm.properties["Threshold"]
        for alarm in watched.all("AWS::CloudWatch::Alarm")
        for name in _metrics(alarm)
        if "AWS/RDS" in json.dumps(alarm.properties)
    }
    size = ENVIRONMENTS[watched.environment].database
    assert limits.keys() == {
        *("CPUUtilization", "DatabaseConnections", "ServerlessDatabaseCapacity", "VolumeBytesUsed")
    }
    assert limits["ServerlessDatabaseCapacity"] < size.max_acu


@pytest.mark.parametrize(
    ("size", "most"),
    [
        (DatabaseSize(min_acu=0, max_acu=2), 320),
        (DatabaseSize(min_acu=0.5, max_acu=16), 1_600),
        (DatabaseSize(min_acu=1, max_acu=16), 2_560),
    ],
)
def test_the_alarm_on_connections_goes_by_the_capacity(size, most):
    assert DatabaseMetrics({"DBClusterIdentifier": "c"}, size).connection_alarm_threshold == most


def test_a_database_with_a_disk_of_its_own_is_watched_for_it():
    app = App()
    operations = FoundationStack(app, "foundation", environment=ENVIRONMENTS["dev"]).operations
    stack = Stack(app, "watched")
    size = DatabaseSize(kind="rds", storage_gib=50)
    metrics = DatabaseMetrics({"DBInstanceIdentifier": "one"}, size)
    watch_database(stack, operations=operations, metrics=metrics)
    alarms = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    by_metric = {alarm["Properties"]["MetricName"]: alarm["Properties"] for alarm in alarms}
    assert by_metric.keys() == {"CPUUtilization", "DatabaseConnections", "FreeStorageSpace"}
    assert by_metric["FreeStorageSpace"]["Threshold"] == 5 * 2**30
    assert by_metric["FreeStorageSpace"]["ComparisonOperator"].startswith("LessThan")


def test_drift_is_read_from_fields_that_processing_logs(assembly: Assembly, watched):
    filters = watched.all("AWS::Logs::MetricFilter")
    fields = {
        each.properties["MetricTransformations"][0]["MetricValue"].removeprefix("$.")
        for each in filters
    }
    assert fields == {"negative_share", "neutral_share", "positive_share", "mean_confidence"}
    assert fields <= set(logs._FIELDS)
    for each in filters:
        assert '$.message = "shard processed"' in each.properties["FilterPattern"]
        assert "$.rows >= 100" in each.properties["FilterPattern"]
        stack, name = assembly.target(watched, each.properties["LogGroupName"])
        assert stack == f"reviewlens-{watched.environment}-processing"
        assert name.startswith("ProcessingLogs")


def test_an_unsure_model_raises_an_alarm_below_what_its_manifest_lets_expect(watched):
    manifest = json.loads(Path("models/default/manifest.json").read_text())
    accuracy = manifest["metrics"]["test"]["accuracy"]
    assert expected_confidence() == accuracy
    (alarm,) = [
        a for a in watched.all("AWS::CloudWatch::Alarm") if _metrics(a) == {"mean_confidence"}
    ]
    assert accuracy - 0.11 < alarm.properties["Threshold"] < accuracy - 0.09
    assert alarm.properties["ComparisonOperator"] == "LessThanThreshold"


def test_a_share_of_negatives_that_was_never_seen_raises_an_alarm(watched):
    (alarm,) = [
        a for a in watched.all("AWS::CloudWatch::Alarm") if _metrics(a) == {"negative_share"}
    ]
    assert "ANOMALY_DETECTION_BAND" in json.dumps(alarm.properties["Metrics"])
    assert alarm.properties["AlarmActions"]


def test_the_dashboard_shows_the_way_from_caller_to_database(watched):
    (board,) = watched.all("AWS::CloudWatch::Dashboard")
    said = json.dumps(board.properties["DashboardBody"])
    for metric in (
        *("Count", "4XXError", "5XXError", "Latency", "Errors", "Throttles", "Duration"),
        *("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"),
        *("CPUUtilization", "DatabaseConnections", "ServerlessDatabaseCapacity"),
        *("mean_confidence", "negative_share", "p50", "p99", "shared.serving.snapshots"),
    ):
        assert metric in said, metric


def test_slow_and_failed_traces_are_a_group(watched):
    (group,) = watched.all("AWS::XRay::Group")
    name = f"reviewlens-{watched.environment}"
    assert group.properties["FilterExpression"].startswith(f'service("{name}/v1")')
    assert group.properties["InsightsConfiguration"]["InsightsEnabled"] is False
