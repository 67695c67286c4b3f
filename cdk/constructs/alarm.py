"""Alarms that notify the environment's topic."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from cdk.constructs.operations import Operations


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
            alarm_description=description,
        )
        topic = actions.SnsAction(operations.alarm_topic)
        self.add_alarm_action(topic)
        self.add_ok_action(topic)
