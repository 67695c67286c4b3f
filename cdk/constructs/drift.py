"""Model drift: whether the model's results for new reviews are as they were here before."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.constructs.alarm import Severity, describe, notify
from cdk.constructs.operations import Operations

_MIN_ROWS = 100
"""Smaller shards are ignored: their averages vary too much."""
_HOUR = Duration.hours(1)
_BAND_STD_DEVS = 4
_BAND_PERIODS = 3
"""Hours outside the range that raise the alarm: one dump of another kind does not."""
SHARES = ("negative_share", "neutral_share", "positive_share")
CONFIDENCE = "mean_confidence"


@dataclass(frozen=True)
class Drift:
    """Hourly averages of the model's results for each shard."""

    confidence: cloudwatch.Metric
    shares: list[cloudwatch.Metric]


def watch_drift(scope: Construct, *, operations: Operations, group: logs.ILogGroup) -> Drift:
    """Create metrics from the log of processing, and the alarms on them.

    Args:
        scope: the stack.
        operations: provides the namespace of the metrics and the topic.
        group: log group of processing, which writes a line for each shard.
    """
    confidence = _metric(scope, operations, group, CONFIDENCE)
    shares = [_metric(scope, operations, group, share) for share in SHARES]
    _band_alarm(
        scope,
        "Unsure",
        operations,
        confidence,
        cloudwatch.ComparisonOperator.LESS_THAN_LOWER_THRESHOLD,
        "Drift: for 3 hours the model was much less confident than it usually is here. The reviews "
        "are of another kind or language, or damaged. Read some of the newest ingest; label a "
        "sample and train a new model.",
    )
    _band_alarm(
        scope,
        "Unusual",
        operations,
        shares[0],
        cloudwatch.ComparisonOperator.LESS_THAN_LOWER_OR_GREATER_THAN_UPPER_THRESHOLD,
        "Drift: for 3 hours the share of negative reviews was far from its usual range. Either the "
        "products or the model's predictions changed: compare with the ratings before you trust "
        "the trend.",
    )
    return Drift(confidence, shares)


def _band_alarm(
    scope: Construct,
    construct_id: str,
    operations: Operations,
    metric: cloudwatch.IMetric,
    comparison: cloudwatch.ComparisonOperator,
    description: str,
) -> None:
    """An alarm on values outside the range that this environment itself showed before.

    CloudWatch learns the range from the metric, two weeks at most; until it has one, no value
    raises the alarm, such as those of a first dump.
    """
    alarm = cloudwatch.AnomalyDetectionAlarm(
        scope,
        construct_id,
        metric=metric,
        std_devs=_BAND_STD_DEVS,
        evaluation_periods=_BAND_PERIODS,
        comparison_operator=comparison,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description=describe(Severity.WARNING, description),
    )
    notify(alarm, operations)


def _metric(
    scope: Construct, operations: Operations, group: logs.ILogGroup, field: str
) -> cloudwatch.Metric:
    pattern = logs.FilterPattern
    metric_filter = logs.MetricFilter(
        scope,
        f"Filter-{field.replace('_', '-')}",
        log_group=group,
        filter_pattern=pattern.all(
            pattern.string_value("$.message", "=", "shard processed"),
            pattern.number_value("$.rows", ">=", _MIN_ROWS),
        ),
        metric_namespace=operations.environment.stage_name,
        metric_name=field,
        metric_value=f"$.{field}",
    )
    return metric_filter.metric(period=_HOUR, statistic="Average", label=field)
