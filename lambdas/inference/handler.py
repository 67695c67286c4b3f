"""Lambda entry of the inference service."""

from lambdas.inference.api import create_app
from lambdas.inference.dependencies import build_dependencies
from lambdas.inference.settings import InferenceSettings
from shared.http.entry import make_handler


def _warm() -> None:
    build_dependencies(InferenceSettings()).state.refresh()


handler = make_handler(create_app, warm=_warm)
