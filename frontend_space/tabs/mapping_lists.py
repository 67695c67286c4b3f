"""Lists from which a visitor chooses the column of each field."""

from typing import Any

import gradio as gr

from frontend_space.columns import FIELDS, MAIN_FIELDS, Detected

_NOT_USED = ("not used", "")
_LABELS = {
    "text": "Text (required)",
    "product_id": "Product id",
    "product_title": "Product name",
    "review_id": "Review id",
    "helpful_votes": "Helpful votes",
    "verified": "Verified purchase",
    "pictures": "Addresses of pictures",
}


class MappingLists:
    """One drop-down list for each field, hidden until columns are known."""

    def __init__(self) -> None:
        """Draw the lists."""
        with gr.Column(visible=False, elem_id="columns") as self.frame:
            gr.HTML("<h3>Which column is what?</h3>")
            with gr.Row():
                main = [_list(field) for field in FIELDS[:MAIN_FIELDS]]
            with gr.Accordion("More fields", open=False), gr.Row():
                more = [_list(field) for field in FIELDS[MAIN_FIELDS:]]
        self.lists = [*main, *more]

    @property
    def outputs(self) -> list[Any]:
        """The components that ``shown`` updates."""
        return [self.frame, *self.lists]


def shown(detected: Detected | None) -> list[Any]:
    """The lists over the detected columns, with the detected choices; hidden without columns."""
    if detected is None or not detected.columns:
        return [gr.Column(visible=False), *[gr.skip()] * len(FIELDS)]
    choices = [_NOT_USED, *((name, name) for name in detected.columns)]
    lists = [gr.Dropdown(choices, value=detected.fields.get(field, "")) for field in FIELDS]
    return [gr.Column(visible=True), *lists]


def chosen(values: tuple[str | None, ...]) -> dict[str, str]:
    """The column of each field, from the values of the lists; "" where none is chosen."""
    return {field: value or "" for field, value in zip(FIELDS, values, strict=True)}


def _list(field: str) -> gr.Dropdown:
    return gr.Dropdown(
        [_NOT_USED],
        value="",
        label=_LABELS.get(field, field.capitalize()),
        min_width=300,
        elem_id=f"column-{field}",
    )
