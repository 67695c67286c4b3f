"""A queue of work with its dead letters and their alarms."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.constructs.alarm import Alarm
from cdk.constructs.operations import Operations

WORK_SECONDS = 900
"""What a function may take for a message: Lambda's own limit."""
VISIBILITY_SECONDS = 6 * WORK_SECONDS
"""As AWS advises for a queue in front of a function."""


class WorkQueue(Construct):
    """A queue, a queue for what failed too often, and alarms on both.

    Messages are encrypted by keys of SQS itself: they hold ids and keys, never reviews; S3 may
    send to such a queue, and functions need no permission on a key.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        visibility_seconds: int = VISIBILITY_SECONDS,
        max_receives: int = 5,
        oldest_seconds: int = 4 * 3600,
    ) -> None:
        """Make both queues.

        Args:
            scope: where it belongs.
            construct_id: its id there.
            operations: the topic of its alarms.
            visibility_seconds: how long a message is hidden while it is worked on.
            max_receives: after so many failures a message is a dead letter.
            oldest_seconds: age of a waiting message that raises an alarm.
        """
        super().__init__(scope, construct_id)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            removal_policy=operations.removal_policy,
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            visibility_timeout=Duration.seconds(visibility_seconds),
            receive_message_wait_time=Duration.seconds(20),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=max_receives
            ),
            removal_policy=operations.removal_policy,
        )
        minutes = Duration.minutes(5)
        self.dead_letter_alarm = Alarm(
            self,
            "DeadLetterAlarm",
            operations=operations,
            metric=self.dead_letters.metric_approximate_number_of_messages_visible(
                period=minutes, statistic="Maximum"
            ),
            threshold=1,
            why=f"{construct_id}: a message failed {max_receives} times. Read the function's log, "
            "mend the cause, then redrive the dead-letter queue.",
        )
        self.age_alarm = Alarm(
            self,
            "AgeAlarm",
            operations=operations,
            metric=self.queue.metric_approximate_age_of_oldest_message(
                period=minutes, statistic="Maximum"
            ),
            threshold=oldest_seconds,
            periods=3,
            why=f"{construct_id}: the oldest message waits longer than {oldest_seconds} s. Work "
            "comes in faster than it is done, or its function fails.",
        )
