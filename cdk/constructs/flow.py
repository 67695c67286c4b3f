"""State machines whose definitions are files, so that tests can run them."""

from collections.abc import Mapping, Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as stepfunctions

from cdk.constructs import grants
from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.grants import Grant
from cdk.constructs.operations import Operations

EXECUTIONS_REASON = "executions of a flow have names that are not known in advance"
_TRACES_REASON = "X-Ray actions do not support resources, nor do log deliveries"


def flow_arn(stack: Stack, name: str) -> str:
    """The ARN of a state machine of this account, by its name."""
    return stack.format_arn(
        service="states",
        resource="stateMachine",
        resource_name=name,
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def execution_arn(stack: Stack, name: str, label: str = "") -> str:
    """The ARN of all executions of a state machine, or of those of its map with this label."""
    return stack.format_arn(
        service="states",
        resource="execution",
        resource_name=f"{name}{label and '/'}{label}:*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def map_grants(stack: Stack, name: str, label: str) -> list[Grant]:
    """What a distributed map needs, which runs its items as executions of its own.

    Args:
        stack: the stack of the state machine.
        name: of the state machine.
        label: of the map.
    """
    return [
        Grant(["states:StartExecution"], [flow_arn(stack, name)]),
        Grant(
            ["states:DescribeExecution", "states:StopExecution"],
            [execution_arn(stack, name, label)],
            EXECUTIONS_REASON,
        ),
    ]


def create_flow(
    stack: Stack,
    construct_id: str,
    *,
    operations: Operations,
    name: str,
    comment: str,
    definition: str,
    substitutions: Mapping[str, str],
    allowed: Sequence[Grant],
    logs_data: bool,
) -> stepfunctions.StateMachine:
    """Create a state machine with its role, logs and traces.

    Args:
        stack: its stack; it has one flow.
        construct_id: its id in the stack.
        operations: retention and key of the log group.
        name: its name, with the prefix of the environment.
        comment: what it does.
        definition: in Amazon's States Language.
        substitutions: the resources that the definition names.
        allowed: permissions of its role.
        logs_data: whether input and output of states are logged.
    """
    # log groups with this prefix do not count against the size of the account's log policy
    group = operations.named_log_group(stack, "FlowLogs", f"/aws/vendedlogs/states/{name}")
    role = iam.Role(
        stack,
        "FlowRole",
        assumed_by=iam.ServicePrincipal(
            "states.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
        ),
    )
    grants.attach(role, *allowed)
    flow = stepfunctions.StateMachine(
        stack,
        construct_id,
        state_machine_name=name,
        comment=comment,
        definition_body=stepfunctions.DefinitionBody.from_string(definition),
        definition_substitutions=dict(substitutions),
        role=role,
        logs=stepfunctions.LogOptions(
            destination=group,
            level=stepfunctions.LogLevel.ALL,
            include_execution_data=logs_data,
        ),
        tracing_enabled=True,
    )
    acknowledge(role, "AwsSolutions-IAM5[Resource::*]", _TRACES_REASON)
    return flow
