"""A visitor's picture: chosen as a file or an address, and shown as the API encoded it anew."""

from pathlib import Path
from typing import Any

import gradio as gr

from frontend_space import markup
from frontend_space.problems import PageError
from reviewlens.models import MAX_SENT_BYTES, AnalyzeResponse, SearchResponse

_MAX_ADDRESS_CHARACTERS = 2048
_NAMES = {"text": "text", "image": "picture"}


def picture_fields(name: str, label: str) -> list[gr.components.Component]:
    """Draw a file and an address, folded.

    Args:
        name: beginning of the ids of the two fields.
        label: what a picture is for.
    """
    with gr.Accordion("Picture (JPEG, PNG, WebP, GIF or AVIF)", open=False):
        return [
            gr.File(
                label=label,
                file_count="single",
                type="filepath",
                elem_id=f"{name}-picture",
            ),
            gr.Textbox(
                label="Or its address",
                placeholder="https://…",
                max_length=_MAX_ADDRESS_CHARACTERS,
                elem_id=f"{name}-address",
            ),
        ]


def chosen_picture(path: str | None, address: str | None) -> dict[str, Any]:
    """The parameters of a picture in a request; empty if none is chosen.

    The bytes of a file are sent as they are: this process does not decode them.

    Raises:
        PageError: the file is too large, or the address is none of the web.
    """
    address = (address or "").strip()
    if not path and address and not address.lower().startswith(("https://", "http://")):
        raise PageError("The address of a picture starts with https://.")
    if not path:
        return {"image_url": address} if address else {}
    if Path(path).stat().st_size > MAX_SENT_BYTES:
        raise PageError(f"The picture is too large: at most {MAX_SENT_BYTES / 1e6:g} MB.")
    return {"image_data": Path(path).read_bytes()}


def picture_html(answer: AnalyzeResponse | SearchResponse) -> str:
    """The picture of an answer, and what the answer was computed from."""
    if answer.picture is None:
        return ""
    used = " and ".join(_NAMES[name] for name in answer.modalities)
    return (
        f'<figure class="picture">{markup.image(answer.picture, "The picture that was read")}'
        f"<figcaption>{markup.safe(f'Read: {used}.')}</figcaption></figure>"
    )
