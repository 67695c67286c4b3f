"""Lambda entry of inference: HTTP."""

from lambdas.inference.api import create_app
from lambdas.inference.dependencies import build_dependencies
from shared.http.entry import make_handler


def _warm() -> None:
    build_dependencies().state.refresh()


handler = make_handler(create_app, warm=_warm)
