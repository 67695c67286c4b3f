"""Alarms, the dashboard, and the detection of model drift."""

import json

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from cdk.constructs.database_alarms import DatabaseMetrics, watch_database
from cdk.environments import ENVIRONMENTS, DatabaseSize
from cdk.paths import ROOT
from cdk.stacks.foundation import FoundationStack
from shared.observability import logs
from tests.infra.templates import Assembly, Resource

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(params=sorted(ENVIRONMENTS))
def watched(request, assembly: Assembly):
    """The template of the observability stack, for each environment."""
    return assembly.one(request.param, "observability")


def _metrics(alarm: Resource) -> set[str]:
    return {m["MetricName"] for m in _metric_definitions(alarm) if "MetricName" in m}


def _metric_definitions(alarm: Resource) -> list[dict]:
    queries = alarm.properties.get("Metrics", [])
    return [
        alarm.properties,
        *(query["MetricStat"]["Metric"] for query in queries if "MetricStat" in query),
    ]


def _functions_with_alarm(
    assembly: Assembly, environment: str, metric: str
) -> set[tuple[str, str]]:
    return {
        assembly.target(alarm.stack, dimension["Value"])
        for alarm in assembly.all("AWS::CloudWatch::Alarm")
        if alarm.stack.environment == environment and metric in _metrics(alarm)
        for definition in _metric_definitions(alarm)
        for dimension in definition.get("Dimensions", [])
        if dimension["Name"] == "FunctionName"
    }


def _service_functions(assembly: Assembly, environment: str) -> set[tuple[str, str]]:
    """The functions that handle requests or queue messages."""
    stacks = [assembly.one(environment, name) for name in ("api", "collection", "processing")]
    return {
        (function.stack.name, function.name)
        for stack in stacks
        for function in stack.all("AWS::Lambda::Function")
        if "lambdas." in json.dumps(function.properties)
    }


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_has_alarms_on_failures_and_throttles(assembly, watched, metric):
    functions = _service_functions(assembly, watched.environment)
    assert len(functions) >= 9  # six behind the API, three behind queues
    assert functions <= _functions_with_alarm(assembly, watched.environment, metric)


def test_every_state_machine_has_an_alarm_on_failed_executions(assembly: Assembly):
    with_alarm = {
        assembly.target(alarm.stack, dimension["Value"])
        for alarm in assembly.all("AWS::CloudWatch::Alarm")
        if "ExecutionsFailed" in _metrics(alarm)
        for dimension in alarm.properties["Dimensions"]
    }
    machines = assembly.all("AWS::StepFunctions::StateMachine")
    # CDK's provider of a custom resource has its own state machine
    names = {(m.stack.name, m.name) for m in machines if "waiter" not in m.name.lower()}
    assert names <= with_alarm


def _queues_with_alarm(assembly: Assembly, metric: str) -> set[tuple[str, str]]:
    return {
        assembly.target(alarm.stack, dimension["Value"])
        for alarm in assembly.all("AWS::CloudWatch::Alarm")
        if metric in _metrics(alarm)
        for dimension in alarm.properties["Dimensions"]
    }


def test_every_queue_has_an_alarm_on_old_messages_or_on_dead_letters(assembly: Assembly):
    queues = assembly.all("AWS::SQS::Queue")
    work = {(q.stack.name, q.name) for q in queues if "RedrivePolicy" in q.properties}
    dead_letters = {(q.stack.name, q.name) for q in queues} - work
    assert len(work) == 4 * len(ENVIRONMENTS)
    assert work <= _queues_with_alarm(assembly, "ApproximateAgeOfOldestMessage")
    assert dead_letters <= _queues_with_alarm(assembly, "ApproximateNumberOfMessagesVisible")


def test_a_stopped_index_build_raises_an_alarm(watched):
    (metric_filter,) = [
        each
        for each in watched.all("AWS::Logs::MetricFilter")
        if "the index build stopped" in each.properties["FilterPattern"]
    ]
    assert '"the index build stopped' in (ROOT / "shared/index/build.py").read_text()
    (transformation,) = metric_filter.properties["MetricTransformations"]
    alarms = watched.all("AWS::CloudWatch::Alarm")
    assert {transformation["MetricName"]} in [_metrics(alarm) for alarm in alarms]


def test_a_shard_that_is_given_up_raises_an_alarm_within_minutes(watched):
    (metric_filter,) = [
        each
        for each in watched.all("AWS::Logs::MetricFilter")
        if "shard given up" in each.properties["FilterPattern"]
    ]
    assert '"shard given up: ' in (ROOT / "lambdas/processing/service.py").read_text()
    (transformation,) = metric_filter.properties["MetricTransformations"]
    (alarm,) = [
        alarm
        for alarm in watched.all("AWS::CloudWatch::Alarm")
        if _metrics(alarm) == {transformation["MetricName"]}
    ]
    assert alarm.properties["Period"] * alarm.properties["EvaluationPeriods"] <= 120
    assert alarm.properties["Threshold"] == 1
    assert alarm.properties["AlarmActions"]


def test_the_api_has_alarms_on_failures_and_latency(watched):
    alarms = [_metrics(alarm) for alarm in watched.all("AWS::CloudWatch::Alarm")]
    assert {"5XXError", "Count"} in alarms
    assert {"Latency"} in alarms


def test_the_database_has_alarms_below_its_limits(watched):
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
    ("size", "connections"),
    [
        (DatabaseSize(min_acu=0, max_acu=2), 320),
        (DatabaseSize(min_acu=0.5, max_acu=16), 1_600),
        (DatabaseSize(min_acu=1, max_acu=16), 2_560),
    ],
)
def test_the_connection_alarm_depends_on_the_capacity(size, connections):
    metrics = DatabaseMetrics({"DBClusterIdentifier": "c"}, size)
    assert metrics.connection_alarm_threshold == connections


def test_a_database_with_a_disk_has_an_alarm_on_free_storage():
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


def test_drift_metrics_use_fields_that_processing_logs(assembly: Assembly, watched):
    others = ("damaged", "StoppedBuilds", "failedshards")
    filters = [
        each
        for each in watched.all("AWS::Logs::MetricFilter")
        if not any(other in each.name for other in others)
    ]
    values = {each.properties["MetricTransformations"][0]["MetricValue"] for each in filters}
    fields = {value.removeprefix("$.") for value in values}
    assert fields == {"negative_share", "neutral_share", "positive_share", "mean_confidence"}
    assert fields <= set(logs._FIELDS)
    for each in filters:
        assert '$.message = "shard processed"' in each.properties["FilterPattern"]
        assert "$.rows >= 100" in each.properties["FilterPattern"]
        stack, name = assembly.target(watched, each.properties["LogGroupName"])
        assert stack == f"reviewlens-{watched.environment}-processing"
        assert name.startswith("ProcessingLogs")


def test_a_damaged_object_raises_an_alarm(assembly: Assembly, watched):
    (each,) = [f for f in watched.all("AWS::Logs::MetricFilter") if "damaged" in f.name]
    assert each.properties["MetricTransformations"][0]["MetricValue"] == "$.damaged"
    assert "damaged" in logs._FIELDS
    assert '$.message = "stored objects checked"' in each.properties["FilterPattern"]
    assert assembly.target(watched, each.properties["LogGroupName"])[1].startswith("CheckerLogs")
    (alarm,) = [a for a in watched.all("AWS::CloudWatch::Alarm") if _metrics(a) == {"damaged"}]
    assert (alarm.properties["Threshold"], alarm.properties["Statistic"]) == (1, "Maximum")


@pytest.mark.parametrize(
    ("metric", "comparison"),
    [
        ("mean_confidence", "LessThanLowerThreshold"),
        ("negative_share", "LessThanLowerOrGreaterThanUpperThreshold"),
    ],
)
def test_drift_is_measured_against_what_the_environment_itself_saw(watched, metric, comparison):
    (alarm,) = [a for a in watched.all("AWS::CloudWatch::Alarm") if _metrics(a) == {metric}]
    properties = alarm.properties
    assert properties["ComparisonOperator"] == comparison
    assert "Threshold" not in properties
    assert properties["EvaluationPeriods"] == 3
    assert properties["TreatMissingData"] == "notBreaching"
    bands = [
        part for part in properties["Metrics"] if part["Id"] == properties["ThresholdMetricId"]
    ]
    assert bands[0]["Expression"].startswith("ANOMALY_DETECTION_BAND(")


def test_an_unusual_share_of_negative_reviews_raises_an_alarm(watched):
    (alarm,) = [
        a for a in watched.all("AWS::CloudWatch::Alarm") if _metrics(a) == {"negative_share"}
    ]
    assert "ANOMALY_DETECTION_BAND" in json.dumps(alarm.properties["Metrics"])
    assert alarm.properties["AlarmActions"]


def test_the_dashboard_shows_metrics_from_the_api_to_the_database(watched):
    (dashboard,) = watched.all("AWS::CloudWatch::Dashboard")
    body = json.dumps(dashboard.properties["DashboardBody"])
    for metric in (
        *("Count", "4XXError", "5XXError", "Latency", "Errors", "Throttles", "Duration"),
        *("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"),
        *("CPUUtilization", "DatabaseConnections", "ServerlessDatabaseCapacity"),
        *("mean_confidence", "negative_share", "p50", "p99", "shared.serving.snapshots"),
    ):
        assert metric in body, metric


def test_slow_and_failed_traces_have_a_group(watched):
    (group,) = watched.all("AWS::XRay::Group")
    name = f"reviewlens-{watched.environment}"
    assert group.properties["FilterExpression"].startswith(f'service("{name}/v1")')
    assert group.properties["InsightsConfiguration"]["InsightsEnabled"] is False
