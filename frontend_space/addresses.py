"""No address that a visitor names is fetched.

Every input of Gradio accepts a file in place of its value, and downloads one that is named by an
address. Uploaded files are named by their path.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import gradio as gr

_METHOD = "async_move_resource_to_block_cache"
_Move = Callable[[str | Path | None], Awaitable[str | None]]


def refuse_addresses(page: gr.Blocks) -> None:
    """Make all components of a page refuse addresses in place of files."""
    for component in page.blocks.values():
        # a subclass would make Gradio write a stub file beside this module
        vars(component)[_METHOD] = _refusing(getattr(component, _METHOD))


def _refusing(move: _Move) -> Any:
    async def move_file(place: str | Path | None) -> str | None:
        if place is not None and "://" in str(place):
            raise gr.Error("Only files can be uploaded.", print_exception=False)
        return await move(place)

    return move_file
