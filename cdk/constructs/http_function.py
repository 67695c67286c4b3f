"""A function behind the API: an alias that moves to a new version step by step, or back."""

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.constructs.alarm import Alarm
from cdk.constructs.function import ServiceFunction
from cdk.constructs.grants import Grant, give
from cdk.constructs.operations import Operations

HTTP_SECONDS = 28
"""API Gateway gives up after 29 s; a function that ends before says why in its log."""
LIVE = "live"
_P99_MS = 10_000
"""Above a cold start, which loads model and index; what takes longer is broken."""
_FAILURES = 3


class Releases(Construct):
    """The CodeDeploy application of an environment, and what it may do to functions."""

    def __init__(self, scope: Construct, construct_id: str, *, operations: Operations) -> None:
        super().__init__(scope, construct_id)
        config = codedeploy.LambdaDeploymentConfig
        self.config = (
            config.CANARY_10_PERCENT_5_MINUTES
            if operations.environment.canary
            else config.ALL_AT_ONCE
        )
        self.application = codedeploy.LambdaApplication(self, "Application")
        self.role = iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com")
        )

    def allow(self, function: lambda_.IFunction, alarms: list[Alarm]) -> None:
        """Let it move the aliases of a function, and look at the alarms that would stop it."""
        arn = function.function_arn
        give(
            self.role,
            Grant(["lambda:GetAlias", "lambda:UpdateAlias"], [arn]),
            Grant(
                ["lambda:GetProvisionedConcurrencyConfig"],
                [f"{arn}:*"],
                "its versions and aliases, of which a release makes new ones",
            ),
            Grant(["cloudwatch:DescribeAlarms"], [alarm.alarm_arn for alarm in alarms]),
        )


class HttpFunction(Construct):
    """A ServiceFunction with the alias ``live``, which the API calls.

    A release moves the alias to the new version: 10 percent of the requests for 5 minutes and then
    all of them, or all at once, as the environment says. Failures or a slow p99 move it back.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        releases: Releases,
        provisioned: int = 0,
        **service: Any,
    ) -> None:
        """Make it.

        Args:
            scope: where it belongs.
            construct_id: its id there.
            operations: log level, retention, topic of its alarms.
            releases: how a new version comes in.
            provisioned: processes of the live version that are kept warm.
            service: what else ServiceFunction takes.
        """
        super().__init__(scope, construct_id)
        self.service = ServiceFunction(
            self, "Service", operations=operations, timeout_seconds=HTTP_SECONDS, **service
        )
        function = self.service.function
        self.alias = lambda_.Alias(
            self,
            "Live",
            alias_name=LIVE,
            version=function.current_version,
            provisioned_concurrent_executions=provisioned or None,
        )
        self.failures = self._failures(operations)
        self.alarms = [self._failing(operations), self._slow(operations)]
        releases.allow(function, self.alarms)
        group = codedeploy.LambdaDeploymentGroup(
            self,
            "Release",
            alias=self.alias,
            application=releases.application,
            deployment_config=releases.config,
            # whose rights are in Releases: CDK would add a managed policy for all functions
            role=releases.role.without_policy_updates(),
            alarms=self.alarms,
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
        )
        # a release needs the rights, which are a resource of their own
        group.node.add_dependency(releases.role.node.find_child("DefaultPolicy"))

    def _failures(self, operations: Operations) -> cloudwatch.MathExpression:
        """Requests that failed: those that ended Lambda's process or time, and every 500.

        To Lambda an answer of 500 is a success; the service logs each as an error.
        """
        minute = Duration.minutes(1)
        logged = logs.MetricFilter(
            self,
            "Logged",
            log_group=self.service.log_group,
            filter_pattern=logs.FilterPattern.string_value("$.level", "=", "ERROR"),
            metric_namespace=operations.environment.stage_name,
            metric_name=f"{self.node.id}-logged-errors",
            metric_value="1",
            default_value=0,
        )
        return cloudwatch.MathExpression(
            expression="FILL(crashed, 0) + FILL(logged, 0)",
            label=f"{self.node.id}: failures",
            period=minute,
            using_metrics={
                "crashed": self.alias.metric_errors(period=minute, statistic="Sum"),
                "logged": logged.metric(period=minute, statistic="Sum"),
            },
        )

    def _failing(self, operations: Operations) -> Alarm:
        return Alarm(
            self,
            "Failing",
            operations=operations,
            metric=self.failures,
            threshold=_FAILURES,
            why=f"{self.node.id}: {_FAILURES} or more requests failed within a minute. A release "
            "that is under way is rolled back. Look for level ERROR in the function's log.",
        )

    def _slow(self, operations: Operations) -> Alarm:
        return Alarm(
            self,
            "Slow",
            operations=operations,
            metric=self.alias.metric_duration(period=Duration.minutes(1), statistic="p99"),
            threshold=_P99_MS,
            periods=3,
            why=f"{self.node.id}: the slowest percent of requests took {_P99_MS} ms or more for 3 "
            "minutes. A release that is under way is rolled back. Look at the traces, and at the "
            "database for what reads it.",
        )
