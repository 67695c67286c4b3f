"""Damage to stored objects: a metric from the scheduled check, and an alarm on it."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.constructs.alarm import Alarm, Severity
from cdk.constructs.operations import Operations

FIELD = "damaged"
_HOUR = Duration.hours(1)


def watch_damage(scope: Construct, *, operations: Operations, group: logs.ILogGroup) -> Alarm:
    """Create the metric from the log of the check, and the alarm on it.

    Args:
        scope: the stack.
        operations: provides the namespace of the metric and the topic.
        group: log group of the checker, which writes a line for each check.
    """
    pattern = logs.FilterPattern
    metric_filter = logs.MetricFilter(
        scope,
        f"Filter-{FIELD}",
        log_group=group,
        filter_pattern=pattern.all(
            pattern.string_value("$.message", "=", "stored objects checked"),
            pattern.number_value(f"$.{FIELD}", ">=", 0),
        ),
        metric_namespace=operations.environment.stage_name,
        metric_name=FIELD,
        metric_value=f"$.{FIELD}",
    )
    return Alarm(
        scope,
        "Damaged",
        operations=operations,
        metric=metric_filter.metric(period=_HOUR, statistic="Maximum"),
        threshold=1,
        severity=Severity.CRITICAL,
        comparison=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        description="Stored objects were damaged or missing at the last check. GET "
        "/health/retrieval names them and what is being done: most are rebuilt without you within "
        "minutes, and the next check clears the alarm. A lost dump must be uploaded again, and a "
        "model without an intact copy registered again.",
    )
