"""Model drift: whether the model is as confident on new reviews as on its test set."""

import json
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.constructs.alarm import Alarm
from cdk.constructs.operations import Operations
from cdk.paths import ROOT

_MANIFEST = ROOT / "models" / "default" / "manifest.json"
_MIN_ROWS = 100
"""Smaller shards are ignored: their averages vary too much."""
_CONFIDENCE_MARGIN = 0.10
"""How far mean confidence may fall below the model's accuracy on the test set."""
_HOUR = Duration.hours(1)
_BAND_STD_DEVS = 4
SHARES = ("negative_share", "neutral_share", "positive_share")
CONFIDENCE = "mean_confidence"


def expected_confidence() -> float:
    """Accuracy of the shipped model on its test set, from its manifest.

    Its probabilities are calibrated: on reviews like those of the test set, mean confidence equals
    accuracy. Later models have passed the gate, so they are at least as accurate.
    """
    metrics = json.loads(_MANIFEST.read_text())["metrics"]
    return float(metrics["test"]["accuracy"])


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
    expected = expected_confidence()
    Alarm(
        scope,
        "Unsure",
        operations=operations,
        metric=confidence,
        threshold=round(expected - _CONFIDENCE_MARGIN, 3),
        comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        description="Drift: for an hour the model's mean confidence was more than "
        f"{_CONFIDENCE_MARGIN} below its test accuracy of {expected:.3f}. The reviews are of "
        "another kind or language, or damaged. Read some of the newest ingest; label a sample and "
        "train a new model.",
    )
    negative = cloudwatch.AnomalyDetectionAlarm(
        scope,
        "Unusual",
        metric=shares[0],
        std_devs=_BAND_STD_DEVS,
        evaluation_periods=3,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description="Drift: for 3 hours the share of negative reviews was far from its usual "
        "range. Either the products or the model's predictions changed: compare with the ratings "
        "before you trust the trend.",
    )
    topic = actions.SnsAction(operations.alarm_topic)
    negative.add_alarm_action(topic)
    negative.add_ok_action(topic)
    return Drift(confidence, shares)


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
