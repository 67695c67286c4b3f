"""Where the page's answers come from: an API that is there, or a stack of its own."""

from dataclasses import dataclass
from typing import Literal, Protocol

from frontend_space.client import Client
from frontend_space.problems import ApiError, UnreachableError
from frontend_space.settings import PageSettings


@dataclass(frozen=True, slots=True)
class State:
    """How far a back end is; ``told`` is a sentence for visitors."""

    name: Literal["starting", "filling", "ready", "failed"]
    told: str


class Backend(Protocol):
    """What answers."""

    @property
    def client(self) -> Client | None:
        """What asks it; None before it answers."""

    def state(self) -> State:
        """How far it is."""

    def start(self) -> None:
        """Begin; returns at once."""

    def stop(self) -> None:
        """End it."""


class RemoteBackend:
    """An API that somebody else runs."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def client(self) -> Client:
        """What asks it."""
        return self._client

    def state(self) -> State:
        """Whether it answers."""
        try:
            self._client.health()
        except UnreachableError:
            return State("failed", "The server behind this page does not answer now.")
        except ApiError:
            pass  # it answers, and keeps its state to itself
        return State("ready", "")

    def start(self) -> None:
        """Nothing has to be started."""

    def stop(self) -> None:
        """Let the connections go."""
        self._client.close()


def asked(backend: Backend) -> Client:
    """The client of a back end.

    Raises:
        UnreachableError: it is not there yet; says so.
    """
    if backend.client is None:
        raise UnreachableError(backend.state().told)
    return backend.client


def backend_of(settings: PageSettings) -> Backend:
    """The back end that the settings ask for; nothing is started."""
    if settings.api_url:
        client = Client(settings.api_url, key=settings.api_key, region=settings.api_region)
        return RemoteBackend(client)
    from frontend_space.embedded import EmbeddedBackend

    return EmbeddedBackend(settings.state)
