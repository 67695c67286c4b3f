"""A report as one HTML page with its plots inside: no script, no other file, no network."""

import base64
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports.document import Document, Facts, Paragraph, Picture, Quotes, Table
from reports.figures import DARK, LIGHT, Look, svg

_KINDS = {
    Facts: "facts",
    Paragraph: "paragraph",
    Picture: "picture",
    Quotes: "quotes",
    Table: "table",
}


def html(document: Document) -> str:
    """The page; text of reviewers is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(light=_uri_for(LIGHT), dark=_uri_for(DARK))
    environment.globals.update(kind=lambda block: _KINDS[type(block)], lights=LIGHT, darks=DARK)
    return str(environment.get_template("page.html.jinja").render(document=document))


def _uri_for(look: Look) -> Callable[[Picture], str]:
    def uri(picture: Picture) -> str:
        content = base64.b64encode(svg(picture.draw(look))).decode()
        return f"data:image/svg+xml;base64,{content}"

    return uri
