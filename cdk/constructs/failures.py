"""Events of asynchronous invocations that failed, kept in a queue with an alarm."""

from aws_cdk import Duration
from aws_cdk import aws_lambda_destinations as destinations
from constructs import Construct

from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.alarm import Severity
from cdk.constructs.function import ServiceFunction
from cdk.constructs.operations import Operations
from cdk.constructs.queue import create_dead_letters, watch_messages

_RETRIES = 2
_MAX_AGE = Duration.hours(2)


def keep_failures(
    scope: Construct,
    construct_id: str,
    *,
    operations: Operations,
    service: ServiceFunction,
    description: str,
) -> None:
    """Keep the events for which every attempt failed, with the error, for 14 days.

    Args:
        scope: the stack.
        construct_id: id of the queue; the alarm is named after it.
        operations: provides the topic.
        service: the function; Lambda sends to the queue with its role.
        description: what it means and what to do; part of the notification.
    """
    queue = create_dead_letters(scope, construct_id, operations=operations)
    acknowledge(queue, "AwsSolutions-SQS3", "It is the failure destination of a function")
    service.function.configure_async_invoke(
        retry_attempts=_RETRIES,
        max_event_age=_MAX_AGE,
        on_failure=destinations.SqsDestination(queue),
    )
    watch_messages(
        scope,
        f"{construct_id}Alarm",
        queue,
        operations=operations,
        severity=Severity.CRITICAL,
        description=description,
    )
