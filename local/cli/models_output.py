"""Terminal output of ``reviewlens models``."""

from typing import TYPE_CHECKING, Any

from rich.table import Table

from local.cli.output import console
from shared.schemas.gate import GateResult
from shared.storage.registry import Activation, RegisteredVersion

if TYPE_CHECKING:
    from sagemaker_jobs.activate.activation import ActivationReport

_STATE_COLOURS = {"current": "green", "candidate": "yellow", "earlier": "dim"}
_METRICS = ("accuracy", "macro_f1", "weighted_f1", "roc_auc", "ece")


def show_models(models: list[RegisteredVersion], activations: list[Activation]) -> None:
    """Print a table of versions and the last activations."""
    table = Table("version", "state", "created", "MB", "gate", *_METRICS, box=None, pad_edge=False)
    for model in models:
        split, figures = _first_split(model.metrics)
        table.add_row(
            model.version,
            f"[{_STATE_COLOURS[model.state]}]{model.state}[/]",
            f"{model.created_at:%Y-%m-%d %H:%M}",
            f"{model.bytes / 1e6:.1f}",
            _gate_status(model),
            *(_format_metric(figures.get(name)) for name in _METRICS),
        )
        table.columns[5].header = f"accuracy ({split})" if split else "accuracy"
    console().print(table)
    for each in activations[-5:]:
        forced = ", forced" if each.forced else ""
        console().print(
            f"{each.at:%Y-%m-%d %H:%M:%S}  {each.action} {each.version}{forced}", style="dim"
        )


def _first_split(metrics: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    for name, figures in metrics.items():
        if isinstance(figures, dict) and "accuracy" in figures:
            return name, figures
    return "", {}


def _format_metric(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else ""


def _gate_status(model: RegisteredVersion) -> str:
    if model.gate is not None:
        return "passed" if model.gate.passed else "failed"
    if model.state == "current":
        return ""
    return "not run" if model.evaluated else "not evaluated"


def show_model(model: RegisteredVersion) -> None:
    """Print one version: its state, indexes, metrics and gate result."""
    out = console()
    colour = _STATE_COLOURS[model.state]
    out.print(f"{model.version}  [{colour}]{model.state}[/]  {model.created_at:%Y-%m-%d %H:%M}")
    out.print(
        f"{model.bytes / 1e6:.1f} MB, {model.dimension} dimensions, gate: {_gate_status(model)}"
    )
    if model.joint is not None:
        out.print(f"vectors of {model.joint.source}, sentiments of {model.joint.sentiment}")
    for name, tower in (model.towers or {}).items():
        out.print(f"{name} tower: {_tower_figures(tower)}")
    if model.fusion is not None:
        use = "decides" if model.fusion.decides else "does not decide"
        out.print(f"fusion head: {use}, with pictures by {model.fusion.picture_model}")
    out.print(f"indexes: {', '.join(model.indexes) or 'none'}")
    table = Table("split", *_METRICS, box=None, pad_edge=False)
    for split, figures in model.metrics.items():
        if isinstance(figures, dict) and "accuracy" in figures:
            table.add_row(split, *(_format_metric(figures.get(name)) for name in _METRICS))
    if table.row_count:
        out.print(table)
    if model.gate is not None:
        show_gate_result(model.gate)


def _tower_figures(tower: dict[str, Any]) -> str:
    """Precision and latency of a tower, and how near its int8 graph is to float32."""
    precision = tower["precision"]
    figures = f"{precision}, {tower[f'{precision}_ms']:.1f} ms"
    cosine = tower.get("int8_mean_cosine")
    return figures if cosine is None else f"{figures}, cosine of int8 to float32 {cosine:.4f}"


def show_gate_result(result: GateResult) -> None:
    """Print a result of the gate and its checks."""
    from sagemaker_jobs.gate.table import COLUMNS, cells

    out, outcome = console(), "[green]passes[/]" if result.passed else "[red]does not pass[/]"
    out.print(f"{result.candidate} {outcome} against {result.against} ({result.rows} rows)")
    for reason in result.reasons:
        out.print(f"- {reason}", markup=False)
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for check in result.checks:
        table.add_row(*cells(check), style=None if check.passed else "red")
    if result.checks:
        out.print(table)


def show_activation(report: "ActivationReport") -> None:
    """Print the outcome of an activation or a rollback."""
    out = console()
    instead = f" instead of {report.replaced}" if report.replaced else ""
    index = report.index_version or "no index: there are no reviews"
    out.print(f"{report.version} is current{instead}, with {index}.", markup=False)
    if embedded := report.reviews_scored - report.reviews_reused:
        out.print(f"{embedded:,} reviews were embedded.")
    if report.reviews_reused:
        out.print(
            f"{report.reviews_reused:,} reviews kept their embeddings; their sentiment was updated."
        )
    out.print(f"Switched after {report.switched_after_seconds:.1f} s.")
    if report.shards_left:
        out.print(
            f"{report.shards_left} shards are still being embedded and will be indexed after that."
        )
