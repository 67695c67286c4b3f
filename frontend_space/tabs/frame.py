"""What all tabs share: a back end, faults as sentences, and components that fetch no address."""

import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import gradio as gr

from frontend_space.markup import note
from frontend_space.problems import ApiError, MissingRouteError

log = logging.getLogger(__name__)
_Asked = ParamSpec("_Asked")
HIDDEN: dict[str, Any] = {"api_visibility": "private"}
"""Events of the page itself are nobody else's business."""


def own_file(**options: Any) -> gr.File:
    """A file that a visitor uploads; an address in its place is refused and never fetched."""
    made = gr.File(**options)
    move = made.async_move_resource_to_block_cache

    async def files_alone(place: str | Path | None) -> str | None:
        if place is not None and "://" in str(place):
            raise gr.Error("Only files can be uploaded.", print_exception=False)
        return await move(place)

    # a subclass would make Gradio write a stub file beside this module
    vars(made)["async_move_resource_to_block_cache"] = files_alone
    return made


def told(
    outputs: int = 1, others: Any = None
) -> Callable[[Callable[_Asked, Any]], Callable[_Asked, Any]]:
    """Make a handler show faults as a sentence in its first output; the others are emptied.

    Args:
        outputs: how many the handler has.
        others: what the others become.
    """

    def around(handler: Callable[_Asked, Any]) -> Callable[_Asked, Any]:
        @wraps(handler)
        def safely(*args: _Asked.args, **named: _Asked.kwargs) -> Any:
            try:
                return handler(*args, **named)
            except MissingRouteError as error:
                said = note(str(error), "empty")
            except ApiError as error:
                said = note(str(error), "error")
            except Exception:
                log.exception("a request of the page failed")
                said = note("Something went wrong on this page; it was logged.", "error")
            return said if outputs == 1 else (said, *[others] * (outputs - 1))

        return safely

    return around
