"""Lambda entry of inference: HTTP."""

from lambdas.inference.api import create_app
from lambdas.inference.dependencies import build_dependencies
from shared.http.entry import make_handler
from shared.language.detection import detect


def _warm() -> None:
    dependencies = build_dependencies()
    dependencies.state.refresh()
    if dependencies.second is not None:
        dependencies.second.cascade()
    detect("Loads the model of the languages, which takes half a second.")


def _settle(seconds: float) -> None:
    build_dependencies().state.settle(seconds)


handler = make_handler(create_app, warm=_warm, settle=_settle)
