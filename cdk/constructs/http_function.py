"""A function behind the API, with an alias that releases move gradually and roll back."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.constructs.alarm import Alarm, Severity
from cdk.constructs.function import ServiceFunction
from cdk.constructs.grants import Grant, attach
from cdk.constructs.operations import Operations

HTTP_TIMEOUT_SECONDS = 28
"""API Gateway times out after 29 s; a function that ends earlier can log the reason."""
LIVE_ALIAS = "live"
_P99_ALARM_MS = 10_000
"""Longer than a cold start, which loads the model and the index."""
_FAILURES_FOR_ALARM = 3


class Releases(Construct):
    """The CodeDeploy application of an environment, and its permissions on functions."""

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
        """Allow CodeDeploy to move the aliases of a function and to read its alarms."""
        arn = function.function_arn
        attach(
            self.role,
            Grant(["lambda:GetAlias", "lambda:UpdateAlias"], [arn]),
            Grant(
                ["lambda:GetProvisionedConcurrencyConfig"],
                [f"{arn}:*"],
                "versions and aliases, of which a release creates new ones",
            ),
            Grant(["cloudwatch:DescribeAlarms"], [alarm.alarm_arn for alarm in alarms]),
        )


class HttpFunction(Construct):
    """A ServiceFunction with the alias ``live``, which the API calls.

    A release moves the alias to the new version: either all requests at once or first 10 percent
    for 5 minutes, depending on the environment. Failures or a high p99 move it back.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        releases: Releases,
        values: Mapping[str, Any],
        provisioned: int = 0,
        **service: Any,
    ) -> None:
        """Create the function, its alias and its deployment group.

        Args:
            scope: the parent construct.
            construct_id: its id in the scope.
            operations: log level, retention, topic of its alarms.
            releases: deploys new versions.
            values: fields of its settings.
            provisioned: processes of the live version that are kept warm.
            service: other arguments of ServiceFunction.
        """
        super().__init__(scope, construct_id)
        self.service = ServiceFunction(
            self,
            "Service",
            operations=operations,
            values={**values, "cors_origins": operations.environment.cors_origins},
            timeout_seconds=HTTP_TIMEOUT_SECONDS,
            **service,
        )
        function = self.service.function
        self.alias = lambda_.Alias(
            self,
            "Live",
            alias_name=LIVE_ALIAS,
            version=function.current_version,
            provisioned_concurrent_executions=provisioned or None,
        )
        self.failures = self._failures_metric(operations)
        self.alarms = [self._failure_alarm(operations), self._latency_alarm(operations)]
        releases.allow(function, self.alarms)
        group = codedeploy.LambdaDeploymentGroup(
            self,
            "Release",
            alias=self.alias,
            application=releases.application,
            deployment_config=releases.config,
            # Releases grants its permissions: CDK would add a managed policy for all functions
            role=releases.role.without_policy_updates(),
            alarms=self.alarms,
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
        )
        # a release needs the permissions, which are a separate resource
        group.node.add_dependency(releases.role.node.find_child("DefaultPolicy"))

    def _failures_metric(self, operations: Operations) -> cloudwatch.MathExpression:
        """Failed requests: crashes, timeouts and every response with status 500.

        Lambda counts a 500 as a success, but the service logs each as an error.
        """
        minute = Duration.minutes(1)
        logged_errors = logs.MetricFilter(
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
                "logged": logged_errors.metric(period=minute, statistic="Sum"),
            },
        )

    def _failure_alarm(self, operations: Operations) -> Alarm:
        return Alarm(
            self,
            "Failing",
            operations=operations,
            metric=self.failures,
            threshold=_FAILURES_FOR_ALARM,
            severity=Severity.CRITICAL,
            description=f"{self.node.id}: {_FAILURES_FOR_ALARM} or more requests failed within a "
            "minute. A release in progress is rolled back. Look for level ERROR in the function's "
            "log.",
        )

    def _latency_alarm(self, operations: Operations) -> Alarm:
        return Alarm(
            self,
            "Slow",
            operations=operations,
            metric=self.alias.metric_duration(period=Duration.minutes(1), statistic="p99"),
            threshold=_P99_ALARM_MS,
            periods=3,
            description=f"{self.node.id}: p99 latency was {_P99_ALARM_MS} ms or more for 3 "
            "minutes. A release in progress is rolled back. Look at the traces and, if the service "
            "uses it, at the database.",
        )
