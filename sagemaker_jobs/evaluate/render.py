"""Renders an evaluation as Markdown, and as one HTML page with embedded plots."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from sagemaker_jobs.evaluate import plots
from sagemaker_jobs.evaluate.report import Evaluation
from sagemaker_jobs.evaluate.tables import Section, sections


def _render(name: str, evaluation: Evaluation, *, draw: bool) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    parts = list(sections(evaluation))
    images = [_plots(evaluation, section) if draw else [] for section in parts]
    page = environment.get_template(name).render(
        evaluation=evaluation, sections=list(zip(parts, images, strict=True))
    )
    return str(page)


def _cell(text: str) -> str:
    """Escape a text for a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")


def markdown(evaluation: Evaluation) -> str:
    """Render the report as Markdown, without plots."""
    return _render("report.md.jinja", evaluation, draw=False)


def html(evaluation: Evaluation) -> str:
    """Render the report as one HTML page that needs no other file and no network."""
    return _render("report.html.jinja", evaluation, draw=True)


def _plots(evaluation: Evaluation, section: Section) -> list[tuple[str, str]]:
    """Description and data URI of each plot of a section."""
    if section.kind == "split":
        split = evaluation.splits[section.name]
        drawn = [
            ("Reliability diagram", plots.reliability(split)),
            ("Coverage and accuracy", plots.coverage(split, evaluation.abstain)),
            ("Confusion matrix", plots.confusion(split)),
        ]
        for kind, parts in split.slices.items():
            drawn.append((f"Accuracy by {kind}", plots.slices(kind, parts)))
        return drawn
    if section.kind == "robustness":
        return [("Robustness", plots.noises(evaluation.robustness))]
    if section.kind == "behaviour":
        return [("Behavioural cases", plots.behaviour(evaluation.behaviour))]
    if section.kind == "behaviours" and evaluation.behaviours is not None:
        return [("Behavioural suite", plots.behaviours(evaluation.behaviours))]
    if section.kind == "speed" and evaluation.latency:
        return [("Latency", plots.latency(evaluation.latency))]
    return []
