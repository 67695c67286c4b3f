"""The order of messages in moto's queues: fair between the groups of messages.

SQS prefers the messages of quiet groups (MessageGroupId) while another group uses more than its
share of the consumers. Here the rule is stricter, because there are few consumers: a group has at
most one message in flight, and the group that has waited longest is next. So one shard of a large
dump never keeps all consumers busy. As on SQS, a message without a group is a group of its own.

Events of S3 name no group. Those of large objects share one, so that the second consumer is free
for small dumps.
"""

import json
from collections.abc import Iterable
from typing import Any

from moto.core.utils import unix_time_millis

LARGE_OBJECT_BYTES = 64 * 2**20
_LARGE_OBJECTS = "large objects"


class FairOrder:
    """Decides which messages of one queue are offered, and in which order."""

    def __init__(self) -> None:
        self._served_at: dict[str, float] = {}
        self._waiting_for_retry: set[str] = set()

    def offer(self, messages: Iterable[Any], pending: set[Any]) -> list[Any]:
        """The first visible message of each group without a message in flight, fairest first.

        Args:
            messages: all messages of the queue, in the order of sending.
            pending: those that were received and neither deleted nor visible again.
        """
        busy = {
            group
            for message in pending
            if not message.visible
            and message.id not in self._waiting_for_retry
            and (group := message.group_id) is not None
        }
        first: dict[str, Any] = {}
        groups = set()
        for message in messages:
            group = message.group_id or message.id
            groups.add(group)
            if group not in busy and message.visible and not message.delayed:
                first.setdefault(group, message)
        self._served_at = {g: at for g, at in self._served_at.items() if g in groups}
        return sorted(
            first.values(), key=lambda m: self._served_at.get(m.group_id or m.id, m.sent_timestamp)
        )

    def record_service(self, message: Any) -> None:
        """Put the group of a received or deleted message behind all others."""
        self._waiting_for_retry.discard(message.id)
        self._served_at[message.group_id or message.id] = unix_time_millis()

    def record_return(self, message: Any) -> None:
        """Offer other messages of its group although this one waits for its next attempt."""
        self._waiting_for_retry.add(message.id)


def group_of(body: str) -> str | None:
    """The group of an S3 event that names none: all large objects share one."""
    if not body.startswith('{"Records"'):
        return None
    try:
        sizes = [int(record["s3"]["object"]["size"]) for record in json.loads(body)["Records"]]
    except (KeyError, TypeError, ValueError):
        return None
    return _LARGE_OBJECTS if max(sizes, default=0) >= LARGE_OBJECT_BYTES else None
