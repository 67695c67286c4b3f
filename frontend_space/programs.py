"""Endpoints of the page for programs (gradio_client): JSON in and out."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, get_args

import gradio as gr
from gradio.events import api
from pydantic import BaseModel

from frontend_space.backend import Backend, client_of
from frontend_space.markup import safe
from frontend_space.problems import PageError, describe
from reviewlens import ApiError
from reviewlens.models import MAX_TEXT_CHARACTERS, Interval

_Parameters = ParamSpec("_Parameters")
_MAX_RESULTS = 50


def add_endpoints(backend: Backend) -> None:
    """Add the endpoints /analyze, /search_similar, /products, /trends and /state."""

    @_raising_messages
    def analyze(text: str) -> dict[str, Any]:
        """Sentiment of a text with its probabilities, a summary, and similar reviews."""
        return _json(client_of(backend).analyze(_checked(text)))

    @_raising_messages
    def search_similar(text: str, how_many: int = 10) -> dict[str, Any]:
        """Reviews with a similar meaning, best first."""
        top_k = max(1, min(int(how_many), _MAX_RESULTS))
        return _json(client_of(backend).search(_checked(text), top_k=top_k))

    @_raising_messages
    def products() -> dict[str, Any]:
        """The products with most reviews, with their figures."""
        return _json(client_of(backend).products(limit=_MAX_RESULTS).page())

    @_raising_messages
    def trends(product_id: str = "", interval: Interval = "week") -> dict[str, Any]:
        """Reviews over time, of one product or of all."""
        if interval not in get_args(Interval):
            raise PageError("The interval must be day, week or month.")
        product = product_id[:512] or None
        return _json(client_of(backend).trends(product_id=product, interval=interval))

    def state() -> dict[str, str]:
        """State of the page: starting, filling, ready or failed."""
        now = backend.state()
        return {"state": now.name, "message": now.message}

    for endpoint in (analyze, search_similar, products, trends):
        api(endpoint, api_name=endpoint.__name__, concurrency_id="reads")
    api(state, api_name="state", queue=False)


def _checked(text: str) -> str:
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT_CHARACTERS:
        raise PageError(f"The text must have 1 to {MAX_TEXT_CHARACTERS:,} characters.")
    return text


def _json(answer: BaseModel) -> dict[str, Any]:
    return answer.model_dump(mode="json", by_alias=True)


def _raising_messages(
    endpoint: Callable[_Parameters, dict[str, Any]],
) -> Callable[_Parameters, dict[str, Any]]:
    """Turn errors into messages; Gradio shows them as HTML, so they are escaped."""

    @wraps(endpoint)
    def safely(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> dict[str, Any]:
        try:
            return endpoint(*args, **kwargs)
        except (ApiError, PageError) as error:
            raise gr.Error(safe(describe(error)), print_exception=False) from error

    return safely
