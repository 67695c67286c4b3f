"""The picker of products, and where it takes its choices from."""

import gradio as gr

from frontend_space.backend import Backend, asked
from frontend_space.problems import ApiError

ALL = "all products"
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


def categories(backend: Backend) -> list[str]:
    """Categories of the products that the picker offers."""
    try:
        found = asked(backend).products(limit=_MOST).products
    except ApiError:
        return []
    return sorted({one.category for one in found if one.category})


def picker(name: str) -> tuple[gr.Dropdown, gr.Dropdown, gr.Textbox]:
    """Draw pickers of product and category, and a box that narrows the products."""
    with gr.Row():
        product = gr.Dropdown(
            [(ALL, "")], value="", label="Product", min_width=220, elem_id=f"{name}-product"
        )
        category = gr.Dropdown([("all categories", "")], value="", label="Category", min_width=150)
        search = gr.Textbox(label="Find a product", max_length=200, min_width=150)
    return product, category, search


def filled(backend: Backend, search: str, chosen: str) -> gr.Dropdown:
    """The picker with its choices; what was chosen stays chosen where it is still offered."""
    offered = [(ALL, ""), *choices(backend, search or "")]
    kept = chosen if chosen in {value for _, value in offered} else ""
    return gr.Dropdown(offered, value=kept)


def filled_categories(backend: Backend, chosen: str) -> gr.Dropdown:
    """The picker of categories with its choices."""
    offered = [("all categories", ""), *((name, name) for name in categories(backend))]
    return gr.Dropdown(offered, value=chosen if chosen in {value for _, value in offered} else "")
