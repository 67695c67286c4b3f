"""Alarms that always tell somebody."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from cdk.constructs.operations import Operations


class Alarm(cloudwatch.Alarm):
    """A CloudWatch alarm whose rise and fall go to the environment's topic."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        metric: cloudwatch.IMetric,
        threshold: float,
        why: str,
        periods: int = 1,
        out_of: int | None = None,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
        comparison: cloudwatch.ComparisonOperator = (
            cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
        ),
    ) -> None:
        """Raise at ``threshold``, in ``periods`` of the last ``out_of`` periods of the metric.

        Args:
            scope: where it belongs.
            construct_id: its id there.
            operations: gives the topic.
            metric: what is watched.
            threshold: in the unit of the metric.
            why: what it means and what to do; the mail says it.
            periods: how many must be at the threshold.
            out_of: among how many; as many as ``periods`` unless told.
            missing: what a period without data counts as.
            comparison: how values compare to the threshold.
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
            alarm_description=why,
        )
        topic = actions.SnsAction(operations.alarm_topic)
        self.add_alarm_action(topic)
        self.add_ok_action(topic)
