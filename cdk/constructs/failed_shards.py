"""Shards that processing gave up: a metric from its log, and an alarm on it."""

from aws_cdk import Duration
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.constructs.alarm import Alarm
from cdk.constructs.operations import Operations

METRIC = "failed-shards"
_PERIOD = Duration.minutes(1)


def watch_failed_shards(
    scope: Construct, *, operations: Operations, group: logs.ILogGroup
) -> Alarm:
    """Create the metric from the log of processing, and the alarm on it.

    Args:
        scope: the stack.
        operations: provides the namespace of the metric and the topic.
        group: log group of processing, which writes one line for each shard that it gives up.
    """
    metric_filter = logs.MetricFilter(
        scope,
        f"Filter-{METRIC}",
        log_group=group,
        filter_pattern=logs.FilterPattern.string_value("$.message", "=", "shard given up:*"),
        metric_namespace=operations.environment.stage_name,
        metric_name=METRIC,
        metric_value="1",
    )
    return Alarm(
        scope,
        "FailedShards",
        operations=operations,
        metric=metric_filter.metric(period=_PERIOD, statistic="Sum"),
        threshold=1,
        description="Processing gave up a part of a dump after several attempts; everything else "
        "of the dump is indexed. GET /collect/{ingest_id} says which part and why. Fix the cause, "
        "then run `reviewlens redrive --api-url URL`.",
    )
