"""Events for others: the port and its EventBridge adapter."""

from collections.abc import Callable
from typing import Any, Protocol

from pydantic import BaseModel

from shared.errors import UnavailableError
from shared.schemas.events import event_source
from shared.storage.aws_errors import translate_aws_errors
from shared.storage.clients import client

_NOT_ACCEPTED = "EventBridge did not accept the event"


class EventBus(Protocol):
    """The operation of an event bus that the application uses."""

    def put(self, kind: str, detail: BaseModel) -> None:
        """Send one event; raise UnavailableError unless the bus accepted it."""


class EventBridge:
    """The EventBridge adapter of EventBus; ``connect`` is called with the first event."""

    def __init__(self, connect: Callable[[], Any], bus: str, source: str) -> None:
        self._connect = connect
        self._bus = bus
        self._source = source

    def put(self, kind: str, detail: BaseModel) -> None:
        """See EventBus.put."""
        entry = {
            "EventBusName": self._bus,
            "Source": self._source,
            "DetailType": kind,
            "Detail": detail.model_dump_json(),
        }
        with translate_aws_errors(_NOT_ACCEPTED):
            response = self._connect().put_events(Entries=[entry])
        if response["FailedEntryCount"]:
            reason = response["Entries"][0].get("ErrorCode", "no reason")
            raise UnavailableError(f"{_NOT_ACCEPTED}: {reason}")


def open_event_bus(name: str, environment: str) -> EventBus | None:
    """The bus of an environment; None if none is set."""
    if not name:
        return None
    return EventBridge(lambda: client("events"), name, event_source(environment))
