"""Pickers of products, categories and sources, and where they take their choices from."""

from typing import Literal

import gradio as gr

from frontend_space.answers import Segments
from frontend_space.backend import Backend, asked
from frontend_space.problems import ApiError

ALL = "all products"
By = Literal["category", "source"]
_EVERY: dict[By, str] = {"category": "all categories", "source": "all sources"}
_MOST = 200


def choices(backend: Backend, search: str = "") -> list[tuple[str, str]]:
    """Products as (what is shown, id), most reviews first; none while nobody answers."""
    try:
        found = asked(backend).products(limit=_MOST, search=search.strip()).products
    except ApiError:
        return []
    wanted = search.strip().lower()
    return [
        (f"{one.title or one.product_id} ({one.reviews:,})", one.product_id)
        for one in found
        # an older server knows no search
        if wanted in f"{one.title} {one.product_id}".lower()
    ]


def product_picker(name: str) -> tuple[gr.Dropdown, gr.Textbox]:
    """Draw a picker of products, and a box that narrows it."""
    product = gr.Dropdown(
        [(ALL, "")], value="", label="Product", min_width=220, elem_id=f"{name}-product"
    )
    return product, gr.Textbox(label="Find a product", max_length=200, min_width=150)


def segment_picker(name: str, by: By) -> gr.Dropdown:
    """Draw a picker of categories, or of sources."""
    return gr.Dropdown(
        [(_EVERY[by], "")],
        value="",
        label=by.capitalize(),
        min_width=150,
        elem_id=f"{name}-{by}",
    )


def filled(backend: Backend, search: str, chosen: str) -> gr.Dropdown:
    """The picker with its choices; what was chosen stays chosen where it is still offered."""
    return _offering([(ALL, ""), *choices(backend, search or "")], chosen)


def filled_segments(found: Segments, by: By, chosen: str) -> gr.Dropdown:
    """The picker of categories or sources with its choices."""
    names = sorted(one.name for one in found.segments if one.name)
    return _offering([(_EVERY[by], ""), *((name, name) for name in names)], chosen)


def _offering(offered: list[tuple[str, str]], chosen: str) -> gr.Dropdown:
    return gr.Dropdown(offered, value=chosen if chosen in {value for _, value in offered} else "")
