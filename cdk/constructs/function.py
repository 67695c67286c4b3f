"""The Lambda function construct that all services use."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct
from pydantic_settings import BaseSettings

from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.grants import Grant, attach
from cdk.constructs.network import Network
from cdk.constructs.operations import Operations
from cdk.constructs.queue import WORK_TIMEOUT_SECONDS, WorkQueue
from cdk.constructs.settings import environment_variables
from cdk.packaging import lambda_code, table

MAX_MEMORY_MB = 3008
"""1.7 cores: the maximum in a new account; more needs a quota increase."""
RUNTIME = lambda_.Runtime.PYTHON_3_12
"""The images are based on the same Python, so both use the same wheels."""
_NETWORK_INTERFACES = Grant(
    [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ],
    ["*"],
    "Lambda creates network interfaces whose ids are not known in advance",
)
_TRACES_REASON = "X-Ray actions do not support resources"
_RUNTIME_REASON = "The wheels are built for Python 3.12, which Lambda supports until 2028"


class ServiceFunction(Construct):
    """A function from cdk/packaging/table.py with its role, log group, tracing and environment.

    Its role allows only ``grants``, writing to its own log group and sending traces (``traced``).
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
        timeout_seconds: int = WORK_TIMEOUT_SECONDS,
        ephemeral_mb: int = 512,
        reserved: int | None = None,
        network: Network | None = None,
        image: lambda_.DockerImageCode | None = None,
        traced: bool = True,
    ) -> None:
        """Create the function.

        Args:
            scope: the parent construct.
            construct_id: its id in the scope.
            operations: log level, retention and key of the log group.
            asset: its name in the table, which determines whether it is a zip or an image.
            settings: its settings class; see settings.environment_variables.
            values: fields of the settings other than ``environment`` and ``log_level``.
            description: what it does, for the console.
            grants: permissions of its role.
            memory_mb: memory; 1769 MB include one full core.
            timeout_seconds: maximum duration of an invocation.
            ephemeral_mb: size of /tmp.
            reserved: reserved concurrency, in environments that reserve it; None: unreserved.
            network: the network to run in; None: outside of any VPC.
            image: a promoted image to run instead of one built from the table.
            traced: whether its role may send traces, and does.

        Raises:
            ValueError: the values do not fit the settings class.
        """
        super().__init__(scope, construct_id)
        self.memory_mb = memory_mb
        self.log_group = operations.log_group(self, "Logs")
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(self.role)
        if network:
            attach(self.role, _NETWORK_INTERFACES)
        self.grant(*grants)
        properties: dict[str, Any] = {
            "architecture": lambda_.Architecture.X86_64,
            "description": description,
            "environment": environment_variables(settings, operations.environment, values),
            "ephemeral_storage_size": Size.mebibytes(ephemeral_mb),
            "log_group": self.log_group,
            "memory_size": memory_mb,
            "reserved_concurrent_executions": (
                reserved if operations.environment.reserve_concurrency else None
            ),
            "role": self.role,
            "timeout": Duration.seconds(timeout_seconds),
            "tracing": lambda_.Tracing.ACTIVE if traced else lambda_.Tracing.DISABLED,
        }
        if network:
            properties |= {
                "vpc": network.vpc,
                "vpc_subnets": network.subnets,
                "security_groups": [network.function_group],
            }
        self.function = self._create_function(asset, image, properties)
        acknowledge(self, "AwsSolutions-L1", _RUNTIME_REASON)
        if traced:
            acknowledge(self.role, "AwsSolutions-IAM5[Resource::*]", _TRACES_REASON)

    def _create_function(
        self, asset: str, image: lambda_.DockerImageCode | None, properties: dict[str, Any]
    ) -> lambda_.Function:
        if image or asset in table.IMAGES:
            code = image or lambda_code.image_for(asset)
            return lambda_.DockerImageFunction(self, "Function", code=code, **properties)
        return lambda_.Function(
            self,
            "Function",
            runtime=RUNTIME,
            handler=table.handler_of(asset),
            code=lambda_code.code_for(asset),
            **properties,
        )

    def grant(self, *grants: Grant) -> None:
        """Add permissions to its role."""
        attach(self.role, *grants)

    def consume(
        self, work: WorkQueue, *, batch_size: int, max_concurrency: int, window_seconds: int = 0
    ) -> None:
        """Invoke it with messages from a queue; messages that it reports as failed are redelivered.

        Args:
            work: the queue.
            batch_size: maximum number of messages in an invocation.
            max_concurrency: maximum number of concurrent invocations, at least 2; it must not
                exceed the reserved concurrency, or throttled messages count as failed.
            window_seconds: how long to collect messages for a batch.
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
