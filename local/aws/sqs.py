"""Makes moto's SQS safe for concurrent use and fair between groups of messages.

moto deletes a message by rebuilding the list of messages without taking the queue's lock, so a
message sent at the same time is lost. Here deleting and receiving take the lock; waiting for
messages releases it. ``local.aws.fair`` decides which messages a consumer receives.

The long poll of a consumer that died goes on in the server. It receives nothing: whether its client
is still connected is checked under the lock, so a message is either not offered to it, or in flight
when ``release_in_flight`` looks for those of the dead consumer.
"""

import threading
from typing import Any
from weakref import WeakKeyDictionary

from moto.core import DEFAULT_ACCOUNT_ID
from moto.sqs import models

from local.aws.callers import has_hung_up
from local.aws.fair import FairOrder, group_of


class _HungUpError(Exception):
    """Ends the poll of a client that is gone."""


class LockedQueues:
    """Wraps the methods of moto that need the queue's lock or the fair order."""

    def __init__(self) -> None:
        self._originals: list[tuple[Any, str, Any]] = []
        self._orders: WeakKeyDictionary[Any, FairOrder] = WeakKeyDictionary()
        self._thread = threading.local()

    def install(self) -> None:
        """Install the hooks; call before moto's server starts."""
        for owner, name, hook in (
            (models.Queue, "delete_message", self._delete(models.Queue.delete_message)),
            (models.Queue, "messages", self._messages(models.Queue.messages)),
            (models.SQSBackend, "receive_message", self._receive(models.SQSBackend)),
            (models.SQSBackend, "change_message_visibility", self._change(models.SQSBackend)),
            (models.SQSBackend, "send_message", self._send(models.SQSBackend)),
        ):
            self._originals.append((owner, name, getattr(owner, name)))
            setattr(owner, name, hook)

    def uninstall(self) -> None:
        """Remove the hooks (tests share one process)."""
        while self._originals:
            setattr(*self._originals.pop())

    def _order(self, queue: Any) -> FairOrder:
        return self._orders.setdefault(queue, FairOrder())

    def _delete(self, original: Any) -> Any:
        def delete_message(queue: Any, receipt_handle: str) -> None:
            with _lock(queue):
                message = _find(queue, receipt_handle)
                original(queue, receipt_handle)
                if message is not None:
                    self._order(queue).record_service(message)
                    _lock(queue).notify_all()  # the next message of its group is free

        return delete_message

    def _messages(self, original: Any) -> Any:
        def messages(queue: Any) -> list[Any]:
            if not getattr(self._thread, "receives", False):
                visible: list[Any] = original.fget(queue)  # for counts
                return visible
            if has_hung_up():
                raise _HungUpError
            return self._order(queue).offer(queue._messages, queue.pending_messages)  # noqa: SLF001

        return property(messages)

    def _receive(self, backend_class: Any) -> Any:
        original = backend_class.receive_message

        def receive_message(backend: Any, queue_name: str, *args: Any, **named: Any) -> Any:
            queue = backend.get_queue(queue_name)
            with _lock(queue):
                self._thread.receives = True
                try:
                    received = original(backend, queue_name, *args, **named)
                except _HungUpError:
                    return []
                finally:
                    self._thread.receives = False
                for message in received:
                    self._order(queue).record_service(message)
                return received

        return receive_message

    def _change(self, backend_class: Any) -> Any:
        original = backend_class.change_message_visibility

        def change_message_visibility(
            backend: Any, queue_name: str, receipt_handle: str, visibility_timeout: int
        ) -> None:
            queue = backend.get_queue(queue_name)
            with _lock(queue):
                original(backend, queue_name, receipt_handle, visibility_timeout)
                if message := _find(queue, receipt_handle):
                    self._order(queue).record_return(message)
                    _lock(queue).notify_all()

        return change_message_visibility

    def _send(self, backend_class: Any) -> Any:
        original = backend_class.send_message

        def send_message(backend: Any, queue_name: str, message_body: str, **named: Any) -> Any:
            named["group_id"] = named.get("group_id") or group_of(message_body)
            return original(backend, queue_name, message_body, **named)

        return send_message


def _lock(queue: Any) -> Any:
    return queue._messages_lock  # noqa: SLF001 - moto has no public lock


def _find(queue: Any, receipt_handle: str) -> Any:
    messages = queue._messages  # noqa: SLF001 - including those in flight
    return next((m for m in messages if m.had_receipt_handle(receipt_handle)), None)


def release_in_flight(region: str, queue_names: list[str]) -> int:
    """Make the messages of a crashed consumer visible again; returns their number."""
    released = 0
    for name in queue_names:
        queue = models.sqs_backends[DEFAULT_ACCOUNT_ID][region].get_queue(name)
        with _lock(queue):
            for message in list(queue.pending_messages):
                message.change_visibility(0)
                queue.pending_messages.discard(message)
                released += 1
            _lock(queue).notify_all()
    return released
