"""``reviewlens page``: serve the web page in its own process."""

import importlib.util
import os
import sys
from typing import Annotated

import typer

from local.cli.output import fail
from local.errors import LocalStackError


def page(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (default 8006).")] = None,
    login: Annotated[
        bool, typer.Option("--login", help="Visitors need the link that is printed.")
    ] = False,
) -> None:
    """Serve the web page until Ctrl-C.

    The page uses the API at REVIEWLENS_API_URL (with REVIEWLENS_API_KEY). If that is not set, it
    starts its own stack with the shipped model and the samples; REVIEWLENS_STATE keeps its data.
    With a --host that other machines can reach, it needs --login.

    Example: REVIEWLENS_API_URL=http://127.0.0.1:8080 reviewlens page
    """
    if importlib.util.find_spec("gradio") is None:
        message = "The page needs the extra `frontend`: pip install 'reviewlens[frontend]'."
        fail(LocalStackError(message, exit_code=2))
    values = {"--host": host, "--port": port}
    options = [
        part for name, value in values.items() if value is not None for part in (name, value)
    ]
    options += ["--login"] if login else []
    # a new process, because this package must not import the page
    os.execv(  # noqa: S606 - our own module
        sys.executable, [sys.executable, "-m", "frontend_space", *map(str, options)]
    )
