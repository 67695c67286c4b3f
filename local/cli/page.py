"""``reviewlens page``: the web page, in a process of its own."""

import importlib.util
import os
import sys
from typing import Annotated

import typer

from local.cli.output import fail
from local.errors import LocalStackError


def page(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 8006 if not given.")] = None,
) -> None:
    """Serve the web page until Ctrl-C.

    It asks the API that REVIEWLENS_API_URL names (with REVIEWLENS_API_KEY). Without one it starts a
    stack of its own over the shipped model and the samples, which REVIEWLENS_STATE may keep.

    Example: REVIEWLENS_API_URL=http://127.0.0.1:8080 reviewlens page
    """
    if importlib.util.find_spec("gradio") is None:
        told = "The page needs the extra `frontend`: pip install -e '.[serve,local,frontend]'"
        fail(LocalStackError(told))
    given = {"--host": host, "--port": port}
    options = [part for name, value in given.items() if value is not None for part in (name, value)]
    # the page stands above this package and is not imported here
    os.execv(  # noqa: S606 - our own module
        sys.executable, [sys.executable, "-m", "frontend_space", *map(str, options)]
    )
