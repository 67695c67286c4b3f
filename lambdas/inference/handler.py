"""Lambda entry of inference: HTTP."""

from lambdas.inference.api import create_app
from lambdas.inference.dependencies import build_dependencies
from shared.http.entry import make_handler
from shared.language.detection import detect


def _warm() -> None:
    build_dependencies().state.refresh()
    detect("Loads the model of the languages, which takes half a second.")


handler = make_handler(create_app, warm=_warm)
