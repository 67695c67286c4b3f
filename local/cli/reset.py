"""``reviewlens reset``: delete the state folder after confirmation."""

from typing import Annotated

import typer

from local.cli import options
from local.cli.output import console, fail
from local.errors import LocalStackError
from local.state import StateFolder


def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation.")] = False,
    state: options.State = options.STATE,
) -> None:
    """Delete the state folder: all uploads, reviews, embeddings and indexes on this machine.

    Example: reviewlens reset --yes
    """
    folder = StateFolder(state)
    try:
        if not folder.root.exists():
            console().print(f"Nothing to remove: {folder.root} does not exist.", soft_wrap=True)
            return
        if (
            folder.has_marker()
            and not yes
            and not typer.confirm(f"Delete {folder.root} and its contents?")
        ):
            console().print("Nothing was removed.")
            raise typer.Exit(1)
        folder.remove()
    except LocalStackError as error:
        fail(error)
    console().print(f"Removed {folder.root}.", soft_wrap=True)
