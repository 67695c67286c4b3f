"""The role of SageMaker jobs: its image, its log and metrics, and what it is granted."""

from collections.abc import Sequence
from typing import Literal

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk.constructs.grants import Grant, give

_INTERFACES = Grant(
    [
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
    ],
    ["*"],
    "SageMaker attaches network interfaces whose ids nobody knows before",
)


class JobRole(iam.Role):
    """What SageMaker may do for jobs whose names begin alike, in this account alone."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        kind: Literal["TrainingJobs", "ProcessingJobs"],
        names: str,
        repository: ecr.IRepository,
        given: Sequence[Grant],
        in_vpc: bool = False,
    ) -> None:
        """Make it.

        Args:
            scope: the stack.
            construct_id: its id there.
            kind: of jobs, as SageMaker calls its log group and its metrics.
            names: what the jobs' names begin with.
            repository: of the jobs' image.
            given: what else the jobs may do.
            in_vpc: whether the jobs stand in subnets of ours.
        """
        stack = Stack.of(scope)
        super().__init__(
            scope,
            construct_id,
            description=f"SageMaker: {kind} called {names}*",
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
        )
        space = f"/aws/sagemaker/{kind}"
        group = stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=space,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        give(
            self,
            # the group belongs to all of the account's jobs: SageMaker knows no other name for it
            # and CloudWatch Logs, for these actions, none without the colon and star behind it
            Grant(
                ["logs:CreateLogGroup", "logs:DescribeLogStreams"],
                [f"{group}:*"],
                "the group as CloudWatch Logs writes it, with all of its streams",
            ),
            Grant(
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                [f"{group}:log-stream:{names}*"],
                "streams are called as their jobs",
            ),
            Grant(
                ["cloudwatch:PutMetricData"],
                ["*"],
                "CloudWatch names no resource; the condition names the metrics' namespace",
                {"StringEquals": {"cloudwatch:namespace": space}},
            ),
            Grant(["ecr:GetAuthorizationToken"], ["*"], "A token is for all of a registry"),
            Grant(
                [
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ],
                [repository.repository_arn],
            ),
            *given,
        )
        if in_vpc:
            give(self, _INTERFACES)
