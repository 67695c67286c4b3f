"""Makes methods of operations, so that each is declared once and both clients have it.

``analyze = method(analysis.analyze)`` in the body of a class is a method with the parameters of the
operation. It sends the operation's call and returns the answer.
"""

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from reviewlens.calls import AnswerT, Call, ItemT, PagedCall, PageT
from reviewlens.pages import AsyncPages, Pages

P = ParamSpec("P")
_Function = TypeVar("_Function", bound=Callable[..., Any])


class Sender(Protocol):
    """A client that waits for the answer."""

    def send(self, call: Call[AnswerT]) -> AnswerT:
        """Send a call and return its answer."""
        ...


class AsyncSender(Protocol):
    """A client whose answers are awaited."""

    async def send(self, call: Call[AnswerT]) -> AnswerT:
        """Send a call and return its answer."""
        ...


def method(
    operation: Callable[P, Call[AnswerT]],
) -> Callable[Concatenate[Sender, P], AnswerT]:
    """A method of Client with one answer."""

    def call(client: Sender, /, *args: P.args, **kwargs: P.kwargs) -> AnswerT:
        return client.send(operation(*args, **kwargs))

    return _described(call, operation)


def paged_method(
    operation: Callable[P, PagedCall[PageT, ItemT]],
) -> Callable[Concatenate[Sender, P], Pages[PageT, ItemT]]:
    """A method of Client with pages of answers."""

    def call(client: Sender, /, *args: P.args, **kwargs: P.kwargs) -> Pages[PageT, ItemT]:
        return Pages(operation(*args, **kwargs), client.send)

    return _described(call, operation)


def async_method(
    operation: Callable[P, Call[AnswerT]],
) -> Callable[Concatenate[AsyncSender, P], Coroutine[Any, Any, AnswerT]]:
    """A method of AsyncClient with one answer."""

    async def call(client: AsyncSender, /, *args: P.args, **kwargs: P.kwargs) -> AnswerT:
        return await client.send(operation(*args, **kwargs))

    return _described(call, operation)


def async_paged_method(
    operation: Callable[P, PagedCall[PageT, ItemT]],
) -> Callable[Concatenate[AsyncSender, P], AsyncPages[PageT, ItemT]]:
    """A method of AsyncClient with pages of answers."""

    def call(client: AsyncSender, /, *args: P.args, **kwargs: P.kwargs) -> AsyncPages[PageT, ItemT]:
        return AsyncPages(operation(*args, **kwargs), client.send)

    return _described(call, operation)


def _described(function: _Function, operation: Callable[..., Any]) -> _Function:
    """Give a method the name, docstring and parameters of its operation, for ``help``."""
    client = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    parameters = inspect.signature(operation).parameters.values()
    details = {
        "__name__": operation.__name__,
        "__qualname__": operation.__qualname__,
        "__doc__": operation.__doc__,
        "__signature__": inspect.Signature([client, *parameters]),
    }
    for name, value in details.items():
        setattr(function, name, value)
    return function
