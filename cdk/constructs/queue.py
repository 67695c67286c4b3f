"""A work queue with a dead-letter queue and alarms."""

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.constructs.alarm import Alarm, Severity
from cdk.constructs.operations import Operations
from shared.schemas.messages import MAX_RECEIVES

WORK_TIMEOUT_SECONDS = 900
"""Maximum time that a function may spend on a message: Lambda's own limit."""
VISIBILITY_SECONDS = 6 * WORK_TIMEOUT_SECONDS
"""AWS recommends six times the timeout of the function."""
_PERIOD = Duration.minutes(5)


def create_dead_letters(
    scope: Construct, construct_id: str, *, operations: Operations
) -> sqs.Queue:
    """Create a queue for failed messages, which it keeps for 14 days."""
    return sqs.Queue(scope, construct_id, **_queue_options(operations))


def watch_messages(
    scope: Construct,
    construct_id: str,
    queue: sqs.IQueue,
    *,
    operations: Operations,
    description: str,
    severity: Severity = Severity.WARNING,
) -> Alarm:
    """Raise an alarm while a queue of failures has a message."""
    return Alarm(
        scope,
        construct_id,
        operations=operations,
        metric=queue.metric_approximate_number_of_messages_visible(
            period=_PERIOD, statistic="Maximum"
        ),
        threshold=1,
        severity=severity,
        description=description,
    )


def _queue_options(operations: Operations) -> dict[str, Any]:
    return {
        "encryption": sqs.QueueEncryption.SQS_MANAGED,
        "enforce_ssl": True,
        "retention_period": Duration.days(14),
        "removal_policy": operations.removal_policy,
    }


class WorkQueue(Construct):
    """A queue, its dead-letter queue, and alarms on both.

    Messages are encrypted with keys that SQS manages: they contain ids and object keys, never
    reviews; S3 can send to such a queue, and functions need no permission on a key.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        visibility_seconds: int = VISIBILITY_SECONDS,
        max_receives: int = MAX_RECEIVES,
        max_age_seconds: int = 4 * 3600,
    ) -> None:
        """Create both queues.

        Args:
            scope: the parent construct.
            construct_id: its id in the scope.
            operations: provides the topic of its alarms.
            visibility_seconds: how long a message stays hidden while it is processed.
            max_receives: number of failed attempts after which a message is a dead letter.
            max_age_seconds: age of a waiting message that raises an alarm.
        """
        super().__init__(scope, construct_id)
        self.dead_letters = create_dead_letters(self, "DeadLetters", operations=operations)
        self.queue = sqs.Queue(
            self,
            "Queue",
            visibility_timeout=Duration.seconds(visibility_seconds),
            receive_message_wait_time=Duration.seconds(20),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=max_receives
            ),
            **_queue_options(operations),
        )
        self.dead_letter_alarm = watch_messages(
            self,
            "DeadLetterAlarm",
            self.dead_letters,
            operations=operations,
            description=f"{construct_id}: a message failed {max_receives} times. Read the "
            "function's log, fix the cause, then redrive the dead-letter queue.",
        )
        self.age_alarm = Alarm(
            self,
            "AgeAlarm",
            operations=operations,
            metric=self.queue.metric_approximate_age_of_oldest_message(
                period=_PERIOD, statistic="Maximum"
            ),
            threshold=max_age_seconds,
            periods=3,
            description=f"{construct_id}: the oldest message has waited for more than "
            f"{max_age_seconds} s. Messages arrive faster than they are processed, or the function "
            "fails.",
        )
