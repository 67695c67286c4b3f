"""What answers behind the page: an API that already runs, or a stack that the page starts."""

from dataclasses import dataclass
from typing import Literal, Protocol

from frontend_space.problems import NotReadyError
from reviewlens import ApiError, Client, ConnectionFailedError, ServerError


@dataclass(frozen=True, slots=True)
class State:
    """State of a back end; ``message`` is a sentence for visitors."""

    name: Literal["starting", "filling", "ready", "failed"]
    message: str


class Backend(Protocol):
    """A server and its client."""

    @property
    def client(self) -> Client | None:
        """The client; None before the server answers."""

    def state(self) -> State:
        """The present state."""

    def start(self) -> None:
        """Start the server; returns at once."""

    def stop(self) -> None:
        """Stop the server."""


class RemoteBackend:
    """An API that runs elsewhere."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def client(self) -> Client:
        """The client of the API."""
        return self._client

    def state(self) -> State:
        """Whether the API answers."""
        try:
            self._client.health()
        except (ConnectionFailedError, ServerError):
            return State("failed", "The server behind this page does not answer now.")
        except ApiError:
            pass  # it answers, but does not show its health to this page
        return State("ready", "")

    def start(self) -> None:
        """Do nothing: the API runs already."""

    def stop(self) -> None:
        """Close the connections."""
        self._client.close()


def client_of(backend: Backend) -> Client:
    """The client of a back end.

    Raises:
        NotReadyError: the back end does not answer yet; the message says so.
    """
    if backend.client is None:
        raise NotReadyError(backend.state().message)
    return backend.client
