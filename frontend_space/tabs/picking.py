"""Pickers of products, categories and sources, and their choices."""

import gradio as gr

from frontend_space.backend import Backend, client_of
from frontend_space.problems import PageError
from reviewlens import ApiError
from reviewlens.models import SegmentKind, Segments

ALL = "all products"
_ALL_SEGMENTS: dict[SegmentKind, str] = {"category": "all categories", "source": "all sources"}
_MAX_CHOICES = 200


def choices(backend: Backend, search: str = "") -> list[tuple[str, str]]:
    """Products as (label, id), most reviews first; none while the server does not answer."""
    try:
        pages = client_of(backend).products(limit=_MAX_CHOICES, search=search.strip() or None)
        products = pages.page().products
    except (ApiError, PageError):
        return []
    return [
        (f"{product.title or product.product_id} ({product.reviews:,})", product.product_id)
        for product in products
    ]


def product_picker(name: str) -> tuple[gr.Dropdown, gr.Textbox]:
    """Draw a picker of products, and a search box that narrows it."""
    product = gr.Dropdown(
        [(ALL, "")], value="", label="Product", min_width=220, elem_id=f"{name}-product"
    )
    return product, gr.Textbox(label="Find a product", max_length=200, min_width=150)


def segment_picker(name: str, by: SegmentKind) -> gr.Dropdown:
    """Draw a picker of categories, or of sources."""
    return gr.Dropdown(
        [(_ALL_SEGMENTS[by], "")],
        value="",
        label=by.capitalize(),
        min_width=150,
        elem_id=f"{name}-{by}",
    )


def filled(backend: Backend, search: str, chosen: str) -> gr.Dropdown:
    """The picker with its choices; the present choice stays if it is still offered."""
    return _dropdown([(ALL, ""), *choices(backend, search or "")], chosen)


def filled_segments(segments: Segments, by: SegmentKind, chosen: str) -> gr.Dropdown:
    """The picker of categories or sources with its choices."""
    names = sorted(segment.name for segment in segments.segments if segment.name)
    return _dropdown([(_ALL_SEGMENTS[by], ""), *((name, name) for name in names)], chosen)


def _dropdown(options: list[tuple[str, str]], chosen: str) -> gr.Dropdown:
    return gr.Dropdown(options, value=chosen if chosen in {value for _, value in options} else "")
