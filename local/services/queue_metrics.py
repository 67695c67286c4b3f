"""Metrics of the queues: how many messages wait, for how long, and how many were given up."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from shared.storage.aws_errors import AWS_ERRORS

log = logging.getLogger(__name__)
MESSAGES = "reviewlens_queue_messages"
DEAD_LETTERS = "reviewlens_queue_dead_letters"
AGE = "reviewlens_queue_age_seconds"
_REFRESH_SECONDS = 30.0
_STATES = {
    "waiting": "ApproximateNumberOfMessages",
    "in_work": "ApproximateNumberOfMessagesNotVisible",
    "delayed": "ApproximateNumberOfMessagesDelayed",
}
"""Label → attribute of SQS."""
_REDRIVE = "RedrivePolicy"


@dataclass(frozen=True, slots=True)
class _Counts:
    messages: Mapping[str, int]
    dead_letters: int | None = None


class QueueMetrics(Collector):
    """Counts messages in a thread of its own, so that Prometheus does not wait for SQS.

    A queue that cannot be read has no values. Needs ``sqs:GetQueueAttributes`` on each queue and on
    its dead-letter queue.
    """

    def __init__(
        self, sqs: Any, urls: Mapping[str, str], sent: Callable[[], Mapping[str, float]]
    ) -> None:
        """Prepare the thread.

        Args:
            sqs: a boto3 SQS client.
            urls: URL of each queue, by its name.
            sent: returns when the oldest message of the last receive was sent, in seconds since
                1970, for each queue that had one.
        """
        self._sqs = sqs
        self._urls = urls
        self._sent = sent
        self._counts: Mapping[str, _Counts] = {}
        self._unread: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="queue metrics", daemon=True)

    def start(self, registry: CollectorRegistry) -> Callable[[], None]:
        """Count from now on; returns what stops it."""
        registry.register(self)
        self._thread.start()
        return self._stopping.set

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The last counts."""
        messages = GaugeMetricFamily(
            MESSAGES, "Messages of a queue, as SQS estimates them.", labels=("queue", "state")
        )
        dead = GaugeMetricFamily(DEAD_LETTERS, "Messages that failed too often.", labels=("queue",))
        age = GaugeMetricFamily(
            AGE,
            "Time since the oldest message of the last receive was sent; 0 if there was none.",
            labels=("queue",),
        )
        counts, sent, now = self._counts, self._sent(), time.time()
        for name in self._urls:
            age.add_metric((name,), max(0.0, now - sent[name]) if name in sent else 0.0)
        for name, each in counts.items():
            for state, number in each.messages.items():
                messages.add_metric((name, state), number)
            if each.dead_letters is not None:
                dead.add_metric((name,), each.dead_letters)
        yield from (messages, dead, age)

    def refresh(self) -> None:
        """Count now; waits for SQS."""
        counts = {}
        for name, url in self._urls.items():
            if attributes := self._attributes(name, url, [*_STATES.values(), _REDRIVE]):
                numbers = {state: int(attributes[key]) for state, key in _STATES.items()}
                counts[name] = _Counts(numbers, self._dead_letters(name, url, attributes))
        self._counts = counts

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.refresh()
            self._stopping.wait(_REFRESH_SECONDS)

    def _dead_letters(self, name: str, url: str, attributes: Mapping[str, str]) -> int | None:
        policy = attributes.get(_REDRIVE)
        if policy is None:
            return None
        # SQS has a dead-letter queue in the account and region of its queue
        queue = json.loads(policy)["deadLetterTargetArn"].rpartition(":")[2]
        place = f"{url.rpartition('/')[0]}/{queue}"
        waiting = _STATES["waiting"]
        found = self._attributes(f"{name} (dead letters)", place, [waiting])
        return int(found[waiting]) if found else None

    def _attributes(self, name: str, url: str, wanted: list[str]) -> Mapping[str, str]:
        """Attributes of a queue; empty if they cannot be read, which is logged once."""
        try:
            response = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)
        except AWS_ERRORS as error:
            if name not in self._unread:
                log.warning("the queue %s has no metrics: %s", name, error)
            self._unread.add(name)
            return {}
        self._unread.discard(name)
        attributes: Mapping[str, str] = response["Attributes"]
        return attributes
