"""Buttons that lead to the next and to the previous page of a list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a list a visitor is.

    ``positions`` has the cursor of each page up to the one that is shown (None: the first page);
    ``following`` is the cursor of the next page, if there is one.
    """

    positions: tuple[str | None, ...] = (None,)
    following: str | None = None

    @property
    def position(self) -> str | None:
        """The cursor of the page that is shown."""
        return self.positions[-1]

    def next(self) -> "Place":
        """The place after this page."""
        return Place((*self.positions, self.following))

    def previous(self) -> "Place":
        """The place before this page; the first page has none before it."""
        return Place(self.positions[:-1] or (None,))


class PageButtons:
    """“Previous page” and “Next page”."""

    def __init__(self, name: str) -> None:
        """Draw the buttons, which cannot be pressed before a page is shown."""
        self._previous = gr.Button(
            "Previous page", interactive=False, elem_id=f"{name}-previous", min_width=120
        )
        self._next = gr.Button(
            "Next page", interactive=False, elem_id=f"{name}-next", min_width=120
        )
        self._place = gr.State(Place())

    def connect(
        self,
        triggers: Sequence[Any],
        show: Callable[..., Any],
        inputs: list[Any],
        outputs: list[Any],
        **event: Any,
    ) -> None:
        """Show a page on events and on the buttons.

        Args:
            triggers: events that show the first page.
            show: called with the place and the inputs; returns the outputs and ``shown``.
            inputs: components with the filters.
            outputs: components that show a page.
            event: options of the events.
        """
        outputs = [*outputs, self._place, self._previous, self._next]

        def first(*values: Any) -> Any:
            return show(Place(), *values)

        def following(place: Place, *values: Any) -> Any:
            return show(place.next(), *values)

        def previous(place: Place, *values: Any) -> Any:
            return show(place.previous(), *values)

        gr.on(triggers, first, inputs, outputs, **event)
        self._next.click(following, [self._place, *inputs], outputs, **event)
        self._previous.click(previous, [self._place, *inputs], outputs, **event)


def shown(place: Place, following: str | None) -> tuple[Place, gr.Button, gr.Button]:
    """The place with its next page, and the buttons that can be pressed now."""
    return (
        Place(place.positions, following),
        gr.Button(interactive=len(place.positions) > 1),
        gr.Button(interactive=following is not None),
    )
