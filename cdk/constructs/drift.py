"""Model drift: whether the model is as sure of new reviews as it was of those it was tested on."""

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
_LEAST_ROWS = 100
"""A smaller shard says too little of its reviews."""
_UNSURE = 0.10
"""How far below its accuracy on the test set the model's confidence may fall."""
_HOUR = Duration.hours(1)
_STD_DEVS = 4
SHARES = ("negative_share", "neutral_share", "positive_share")
CONFIDENCE = "mean_confidence"


def expected_confidence() -> float:
    """Accuracy of the shipped model on its test set, as its manifest says.

    Its probabilities are calibrated: over reviews like those of the test, mean confidence and
    accuracy are the same. A model that follows it has passed the gate, so it is no less accurate.
    """
    metrics = json.loads(_MANIFEST.read_text())["metrics"]
    return float(metrics["test"]["accuracy"])


@dataclass(frozen=True)
class Drift:
    """Metrics of what the model made of each shard, averages over an hour."""

    confidence: cloudwatch.Metric
    shares: list[cloudwatch.Metric]


def watch_drift(scope: Construct, *, operations: Operations, group: logs.ILogGroup) -> Drift:
    """Make metrics of processing's log, and the alarms on them.

    Args:
        scope: the stack.
        operations: names the metrics' namespace, has the topic.
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
        threshold=round(expected - _UNSURE, 3),
        comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        why=f"Drift: over an hour the model was less sure of its sentiments than {_UNSURE} below "
        f"the {expected:.3f} of its test. The reviews are of another kind or language, or broken. "
        "Read some of the newest ingest; label some and train anew.",
    )
    negative = cloudwatch.AnomalyDetectionAlarm(
        scope,
        "Unusual",
        metric=shares[0],
        std_devs=_STD_DEVS,
        evaluation_periods=3,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description="Drift: for 3 hours the share of negative reviews was far from what it "
        "used to be. Either products or the model's reading of them changed: compare with ratings "
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
    made = logs.MetricFilter(
        scope,
        f"Filter-{field.replace('_', '-')}",
        log_group=group,
        filter_pattern=pattern.all(
            pattern.string_value("$.message", "=", "shard processed"),
            pattern.number_value("$.rows", ">=", _LEAST_ROWS),
        ),
        metric_namespace=operations.environment.stage_name,
        metric_name=field,
        metric_value=f"$.{field}",
    )
    return made.metric(period=_HOUR, statistic="Average", label=field)
