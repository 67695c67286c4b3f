"""Renders the figures of a picture tower as Markdown."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sagemaker_jobs.pictures.figures import RECALLS

_TITLES = {
    "zero_shot_type": ("article type, zero-shot by prompts", "type_chance"),
    "linear_probe_type": ("article type, linear probe on the frozen backbone", "type_chance"),
    **{
        f"{name}@{count}": (f"{title}, recall@{count}", f"chance@{count}")
        for name, title in (
            ("title_to_picture", "title to picture"),
            ("picture_to_title", "picture to title"),
        )
        for count in RECALLS
    },
}
"""Name of a figure → its title and the name of its chance level."""


def markdown(result: dict[str, Any]) -> str:
    """The figures with their intervals, beside chance."""
    rows = []
    for name, (title, chance) in _TITLES.items():
        figure = result["figures"].get(name)
        if figure is None:
            continue
        interval = " to ".join(f"{end:.3f}" for end in figure.get("interval", ()))
        rows.append((title, f"{figure['value']:.3f}", interval, result["references"][chance]))
    environment = Environment(  # noqa: S701 - Markdown; the titles are ours
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return str(environment.get_template("report.md.jinja").render(result=result, rows=rows))
