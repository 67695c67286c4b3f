"""A day of production on a simulated clock: one queue, its function, and the sweep.

The handler, its delays, the ledger and the sweep are real. The queue hides, redelivers and gives up
messages as SQS does; time passes by making all times in the ledger older.
"""

import itertools
import logging

from local.names import QUEUES

_PLAN = next(plan for plan in QUEUES if plan.name == "processing")


class SimulatedQueue:
    """The queue of shards: a MessageQueue, and the SQS client of the function that reads it."""

    def __init__(self):
        self.now = 0.0
        self.messages = {}
        self.sent = self.deliveries = 0
        self.dead_letter_times = []
        self._numbers = itertools.count()

    def send(self, messages):
        for message in messages:
            self.sent += 1
            name = f"m{next(self._numbers)}"
            self.messages[name] = {"body": message.model_dump_json(), "at": self.now, "receives": 0}

    def get_queue_url(self, **names):
        return {"QueueUrl": names["QueueName"]}

    def change_message_visibility_batch(self, **request):
        for entry in request["Entries"]:
            self.messages[entry["ReceiptHandle"]]["at"] = self.now + entry["VisibilityTimeout"]
        return {}

    @property
    def next_at(self):
        """When the next message is visible."""
        return min((message["at"] for message in self.messages.values()), default=float("inf"))

    def deliver(self, handler):
        """Call the handler with the message that has been visible for the longest time."""
        name = min(self.messages, key=lambda each: self.messages[each]["at"])
        message = self.messages[name]
        if message["receives"] >= _PLAN.max_receive_count:
            self.dead_letter_times.append(self.now)
            del self.messages[name]
            return
        message["receives"] += 1
        message["at"] = self.now + _PLAN.visibility_seconds
        self.deliveries += 1
        response = handler({"Records": [self._record(name, message)]}, None)
        if not response["batchItemFailures"]:
            del self.messages[name]

    def _record(self, name, message):
        return {
            "messageId": name,
            "receiptHandle": name,
            "body": message["body"],
            "attributes": {"ApproximateReceiveCount": str(message["receives"])},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:shards",
        }


class GivenUp(logging.Handler):
    """The times of the log lines at which the alarm is raised."""

    def __init__(self, queue):
        super().__init__(logging.ERROR)
        self._queue = queue
        self.times = []

    def emit(self, record):
        if record.getMessage().startswith("shard given up:"):
            self.times.append(self._queue.now)


def run_day(queue, handler, sweep, database, *, sweep_seconds, seconds=24 * 3600):
    """Deliver messages and sweep for a day."""
    next_sweep = sweep_seconds
    while (now := min(queue.next_at, next_sweep)) < seconds:
        _pass(database, max(0.0, now - queue.now))
        queue.now = max(now, queue.now)
        if queue.next_at <= queue.now:
            queue.deliver(handler)
        else:
            sweep()
            next_sweep += sweep_seconds


def _pass(database, seconds):
    with database.transaction() as connection:
        for table, columns in (
            ("shards", ("updated_at", "failed_at")),
            ("ingests", ("updated_at",)),
        ):
            changes = ", ".join(f"{c} = {c} - make_interval(secs => {seconds})" for c in columns)
            connection.execute(f"UPDATE {table} SET {changes}")
