"""Operational context shared by all constructs: environment, log key and alarm topic."""

from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk.environments import Environment

_RETENTION = {
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    60: logs.RetentionDays.TWO_MONTHS,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


@dataclass(frozen=True)
class Operations:
    """Passed to every construct that writes logs or raises alarms."""

    environment: Environment
    key: kms.IKey
    """Encrypts log groups and the alarm topic."""
    alarm_topic: sns.ITopic

    @property
    def removal_policy(self) -> RemovalPolicy:
        """Removal policy of resources with data.

        Even retained resources are deleted if the creation of their stack fails: they are still
        empty and would block the next attempt.
        """
        retain = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        return retain if self.environment.keep_data else RemovalPolicy.DESTROY

    @property
    def retention(self) -> logs.RetentionDays:
        """Retention of log groups.

        Raises:
            ValueError: CloudWatch Logs does not support ``log_days``.
        """
        days = self.environment.log_days
        if days not in _RETENTION:
            raise ValueError(f"log_days is {days}, not one of {sorted(_RETENTION)}")
        return _RETENTION[days]

    def log_group(self, scope: Construct, name: str) -> logs.LogGroup:
        """An encrypted log group with retention; CloudFormation generates its name."""
        return self._log_group(scope, name, None, self.removal_policy)

    def named_log_group(self, scope: Construct, name: str, path: str) -> logs.LogGroup:
        """The same with a fixed name that a service writes to.

        It is deleted with its stack: a retained group would block the creation of the next one.
        """
        return self._log_group(scope, name, path, RemovalPolicy.DESTROY)

    def _log_group(
        self, scope: Construct, name: str, path: str | None, removal_policy: RemovalPolicy
    ) -> logs.LogGroup:
        return logs.LogGroup(
            scope,
            name,
            log_group_name=path,
            encryption_key=self.key,
            retention=self.retention,
            removal_policy=removal_policy,
        )
