"""The role of SageMaker jobs: access to their image, logs and metrics, and further grants."""

from collections.abc import Sequence
from typing import Literal

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk.constructs.grants import Grant, attach

_NETWORK_INTERFACES = Grant(
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
    "SageMaker creates network interfaces whose ids are not known in advance",
)


class JobRole(iam.Role):
    """The role of the jobs with a common name prefix; only SageMaker in this account assumes it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        kind: Literal["TrainingJobs", "ProcessingJobs"],
        name_prefix: str,
        repository: ecr.IRepository,
        grants: Sequence[Grant],
        in_vpc: bool = False,
    ) -> None:
        """Create the role.

        Args:
            scope: the stack.
            construct_id: its id in the stack.
            kind: kind of jobs, as in the names of SageMaker's log groups and metrics.
            name_prefix: prefix of the jobs' names.
            repository: repository of the jobs' image.
            grants: further permissions of the jobs.
            in_vpc: whether the jobs run in our subnets.
        """
        stack = Stack.of(scope)
        super().__init__(
            scope,
            construct_id,
            description=f"SageMaker: {kind} named {name_prefix}*",
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
        )
        namespace = f"/aws/sagemaker/{kind}"
        group = stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=namespace,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        attach(
            self,
            # SageMaker uses one log group for all jobs of the account, and CloudWatch Logs expects
            # its ARN with ":*" for these actions
            Grant(
                ["logs:CreateLogGroup", "logs:DescribeLogStreams"],
                [f"{group}:*"],
                "the ARN format of CloudWatch Logs for a group includes its streams",
            ),
            Grant(
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                [f"{group}:log-stream:{name_prefix}*"],
                "streams are named after their jobs",
            ),
            Grant(
                ["cloudwatch:PutMetricData"],
                ["*"],
                "CloudWatch metrics have no ARN; the condition restricts the namespace",
                {"StringEquals": {"cloudwatch:namespace": namespace}},
            ),
            Grant(["ecr:GetAuthorizationToken"], ["*"], "a token is valid for a whole registry"),
            Grant(
                [
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ],
                [repository.repository_arn],
            ),
            *grants,
        )
        if in_vpc:
            attach(self, _NETWORK_INTERFACES)
