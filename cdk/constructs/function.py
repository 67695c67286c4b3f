"""A Lambda function as all of them are."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct
from pydantic_settings import BaseSettings

from cdk.constructs.explained import acknowledge
from cdk.constructs.grants import Grant, give
from cdk.constructs.network import Network
from cdk.constructs.operations import Operations
from cdk.constructs.queue import WORK_SECONDS, WorkQueue
from cdk.constructs.settings import variables
from cdk.packaging import assets, table

MOST_MEMORY_MB = 3008
"""1.7 cores: the most that every account may have; a new one has to ask for more."""
RUNTIME = lambda_.Runtime.PYTHON_3_12
"""The images stand on the same: one set of wheels for both."""
_INTERFACES = Grant(
    [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ],
    ["*"],
    "Lambda attaches network interfaces whose ids nobody knows before; EC2 names no resource",
)
_TRACES = "X-Ray takes segments for no resource in particular"
_PYTHON = "The wheels are those of Python 3.12, which Lambda maintains until 2028"


class ServiceFunction(Construct):
    """One row of cdk/packaging/table.py as a function: its role, log group, traces and environment.

    Its role may do what ``grants`` say, write its own log group and send traces: nothing else.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        asset: str,
        settings: type[BaseSettings],
        values: Mapping[str, Any],
        description: str,
        grants: Sequence[Grant] = (),
        memory_mb: int = 512,
        timeout_seconds: int = WORK_SECONDS,
        ephemeral_mb: int = 512,
        reserved: int | None = None,
        network: Network | None = None,
        image: lambda_.DockerImageCode | None = None,
    ) -> None:
        """Make it.

        Args:
            scope: where it belongs.
            construct_id: its id there.
            operations: log level, retention, key of the log group.
            asset: name of its row, which says whether it is a zip or an image.
            settings: its settings class; see settings.variables.
            values: fields of the settings beside ``environment`` and ``log_level``.
            description: what it does, for the console.
            grants: what its role may do.
            memory_mb: memory; a whole core comes with 1769.
            timeout_seconds: what one invocation may take.
            ephemeral_mb: /tmp.
            reserved: most invocations at once, taken from the account's; None: unreserved.
            network: where it stands; None outside of any VPC.
            image: the image to run in place of one that is built of the row: a promoted one.

        Raises:
            ValueError: the settings class and the values do not agree.
        """
        super().__init__(scope, construct_id)
        self.memory_mb = memory_mb
        self.log_group = operations.log_group(self, "Logs")
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(self.role)
        if network:
            give(self.role, _INTERFACES)
        self.grant(*grants)
        properties: dict[str, Any] = {
            "architecture": lambda_.Architecture.X86_64,
            "description": description,
            "environment": variables(settings, operations.environment, values),
            "ephemeral_storage_size": Size.mebibytes(ephemeral_mb),
            "log_group": self.log_group,
            "memory_size": memory_mb,
            "reserved_concurrent_executions": reserved,
            "role": self.role,
            "timeout": Duration.seconds(timeout_seconds),
            "tracing": lambda_.Tracing.ACTIVE,
        }
        if network:
            properties |= {
                "vpc": network.vpc,
                "vpc_subnets": network.subnets,
                "security_groups": [network.function_group],
            }
        self.function = self._made(asset, image, properties)
        acknowledge(self, "AwsSolutions-L1", _PYTHON)
        acknowledge(self.role, "AwsSolutions-IAM5[Resource::*]", _TRACES)

    def _made(
        self, asset: str, image: lambda_.DockerImageCode | None, properties: dict[str, Any]
    ) -> lambda_.Function:
        if image or asset in table.IMAGES:
            code = image or assets.image_for(asset)
            return lambda_.DockerImageFunction(self, "Function", code=code, **properties)
        return lambda_.Function(
            self,
            "Function",
            runtime=RUNTIME,
            handler=table.handler_of(asset),
            code=assets.code_for(asset),
            **properties,
        )

    def grant(self, *grants: Grant) -> None:
        """Let its role do more."""
        give(self.role, *grants)

    def on_queue(
        self, work: WorkQueue, *, batch_size: int, max_concurrency: int, window_seconds: int = 0
    ) -> None:
        """Invoke it with messages of a queue; what it reports as failed is delivered again.

        Args:
            work: the queue.
            batch_size: most messages of one invocation.
            max_concurrency: most invocations at once, at least 2; keep it at or below the
                reserved concurrency, or throttled messages count as failed ones.
            window_seconds: how long messages are gathered for a batch.
        """
        self.function.add_event_source(
            SqsEventSource(
                work.queue,
                batch_size=batch_size,
                max_batching_window=Duration.seconds(window_seconds) if window_seconds else None,
                max_concurrency=max_concurrency,
                report_batch_item_failures=True,
            )
        )
