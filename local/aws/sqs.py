"""Makes moto's SQS safe for concurrent use, and returns a dead consumer's messages to the queue.

moto deletes a message by rebuilding the list of messages without taking the queue's lock, so a
message sent at the same time is lost. Here deleting and receiving take the lock; waiting for
messages releases it.
"""

from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.sqs import models


class LockedQueues:
    """Wraps the two methods of moto that need the queue's lock."""

    def __init__(self) -> None:
        self._originals: list[tuple[Any, str, Any]] = []

    def install(self) -> None:
        """Install the hooks; call before moto's server starts."""
        delete = models.Queue.delete_message
        receive = models.SQSBackend.receive_message

        def delete_message(queue: Any, receipt_handle: str) -> None:
            with queue._messages_lock:  # noqa: SLF001 - moto has no public lock
                delete(queue, receipt_handle)

        def receive_message(backend: Any, queue_name: str, *args: Any, **named: Any) -> Any:
            with backend.get_queue(queue_name)._messages_lock:  # noqa: SLF001 - as above
                return receive(backend, queue_name, *args, **named)

        for owner, name, hook in (
            (models.Queue, "delete_message", delete_message),
            (models.SQSBackend, "receive_message", receive_message),
        ):
            self._originals.append((owner, name, getattr(owner, name)))
            setattr(owner, name, hook)

    def uninstall(self) -> None:
        """Remove the hooks (tests share one process)."""
        while self._originals:
            setattr(*self._originals.pop())


def release_in_flight(region: str, queue_names: list[str]) -> int:
    """Make the messages of a crashed consumer visible again; returns their number."""
    released = 0
    for name in queue_names:
        queue = models.sqs_backends[DEFAULT_ACCOUNT_ID][region].get_queue(name)
        with queue._messages_lock:  # noqa: SLF001 - moto has no public lock
            for message in list(queue.pending_messages):
                message.change_visibility(0)
                queue.pending_messages.discard(message)
                released += 1
            queue._messages_lock.notify_all()  # noqa: SLF001 - as above
    return released
