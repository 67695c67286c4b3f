"""Alarms that notify the environment's topic."""

from enum import StrEnum

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from cdk.constructs.operations import Operations


class Severity(StrEnum):
    """How soon someone must act; the first word of a notification."""

    CRITICAL = "critical"
    """Callers get errors, or data are at risk: act now."""
    WARNING = "warning"
    """Work is late or a limit is near: act today."""


def describe(severity: Severity, description: str) -> str:
    """The text of a notification."""
    return f"{severity}: {description}"


def notify(alarm: cloudwatch.AlarmBase, operations: Operations) -> None:
    """Notify the topic when an alarm is raised and when it clears."""
    topic = actions.SnsAction(operations.alarm_topic)
    alarm.add_alarm_action(topic)
    alarm.add_ok_action(topic)


class Alarm(cloudwatch.Alarm):
    """A CloudWatch alarm that notifies the topic when it is raised and when it clears."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        metric: cloudwatch.IMetric,
        threshold: float,
        description: str,
        severity: Severity = Severity.WARNING,
        periods: int = 1,
        out_of: int | None = None,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
        comparison: cloudwatch.ComparisonOperator = (
            cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
        ),
    ) -> None:
        """Raise at ``threshold``, in ``periods`` of the last ``out_of`` periods of the metric.

        Args:
            scope: the parent construct.
            construct_id: its id in the scope.
            operations: provides the topic.
            metric: the metric to watch.
            threshold: in the unit of the metric.
            description: what the alarm means and what to do; part of the notification.
            severity: how soon someone must act.
            periods: number of periods that must breach the threshold.
            out_of: number of periods evaluated; by default ``periods``.
            missing: how a period without data is treated.
            comparison: how values are compared with the threshold.
        """
        super().__init__(
            scope,
            construct_id,
            metric=metric,
            threshold=threshold,
            evaluation_periods=out_of or periods,
            datapoints_to_alarm=periods,
            comparison_operator=comparison,
            treat_missing_data=missing,
            alarm_description=describe(severity, description),
        )
        notify(self, operations)
