"""What programs may ask of the page: typed endpoints for gradio_client, JSON in and out."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import gradio as gr
from gradio.events import api

from frontend_space.backend import Backend, asked
from frontend_space.client import MAX_TEXT
from frontend_space.markup import safe
from frontend_space.problems import ApiError

_Asked = ParamSpec("_Asked")
_MOST = 50


def offer(backend: Backend) -> None:
    """Add the endpoints /analyze, /search_similar, /products, /trends and /state."""

    @_said
    def analyze(text: str) -> dict[str, Any]:
        """Sentiment of a text with its probabilities, a summary, and reviews like it."""
        return _dumped(asked(backend).analyze(_text(text)))

    @_said
    def search_similar(text: str, how_many: int = 10) -> dict[str, Any]:
        """Reviews that mean the same as a text, best first."""
        top = max(1, min(int(how_many), _MOST))
        return _dumped(asked(backend).search(_text(text), top=top, filters={}))

    @_said
    def products() -> dict[str, Any]:
        """The products with most reviews, and what their reviews say."""
        return _dumped(asked(backend).products(limit=_MOST))

    @_said
    def trends(product_id: str = "", interval: str = "week") -> dict[str, Any]:
        """Reviews over time, of one product or of all."""
        return _dumped(asked(backend).trends(product_id=product_id[:512], interval=interval[:8]))

    def state() -> dict[str, str]:
        """Whether the page is ready: starting, filling, ready or failed."""
        now = backend.state()
        return {"state": now.name, "told": now.told}

    for endpoint in (analyze, search_similar, products, trends):
        api(endpoint, api_name=endpoint.__name__, concurrency_id="reads")
    api(state, api_name="state", queue=False)


def _text(text: str) -> str:
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT:
        raise gr.Error(f"The text must have 1 to {MAX_TEXT:,} characters.", print_exception=False)
    return text


def _dumped(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer.model_dump(mode="json")
    return found


def _said(
    endpoint: Callable[_Asked, dict[str, Any]],
) -> Callable[_Asked, dict[str, Any]]:
    """Faults as messages; Gradio draws them as HTML, so they are escaped."""

    @wraps(endpoint)
    def safely(*args: _Asked.args, **named: _Asked.kwargs) -> dict[str, Any]:
        try:
            return endpoint(*args, **named)
        except ApiError as error:
            raise gr.Error(safe(error), print_exception=False) from error

    return safely
