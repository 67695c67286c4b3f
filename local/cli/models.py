"""``reviewlens models``: which models there are, which answers, and the way there and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import BaseModel
from rich.table import Table

from local.cli import options
from local.cli.output import console, fail, is_interactive, notes, print_json
from local.errors import LocalStackError
from local.state import StateFolder
from shared.schemas.gate import GateResult
from shared.storage import registry
from shared.storage.registry import Activation, Registered

if TYPE_CHECKING:
    from sagemaker_jobs.activate.activation import ActivationReport
    from sagemaker_jobs.activate.dependencies import StepCallback

application = typer.Typer(
    help="Register models, compare them, and choose which one answers.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Version = Annotated[str, typer.Argument(metavar="VERSION", help="As `models list` shows it.")]
_STATES = {"current": "green", "candidate": "yellow", "earlier": "dim"}
_FIGURES = ("accuracy", "macro_f1", "weighted_f1", "roc_auc", "ece")


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except LocalStackError as error:
        fail(error)


@application.command("list")
def list_models(as_json: options.Json = False, state: options.State = options.STATE) -> None:
    """List all versions, newest first: state, gate, figures, and the log of activations.

    Example: reviewlens models list --json
    """
    from local.stack.registry import open_registry

    with _failing(), open_registry(StateFolder(state)) as store:
        models, lines = registry.listing(store), registry.history(store)
    if as_json:
        told = [_summary(model) for model in models]
        print_json({"models": told, "activations": [_dump(line) for line in lines]})
    else:
        _show_list(models, lines)


@application.command()
def show(
    version: Version, as_json: options.Json = False, state: options.State = options.STATE
) -> None:
    """Show one version: its state, figures, indexes, and what the gate said of it.

    Example: reviewlens models show minilm-reviews-2-6e9a5b0c
    """
    from local.stack.registry import open_registry

    with _failing(), open_registry(StateFolder(state)) as store:
        model = registry.describe(store, version)
    print_json(_dump(model)) if as_json else _show_model(model)


@application.command()
def add(
    folder: Annotated[Path, typer.Argument(help="Folder with model.onnx and manifest.json.")],
    evaluation: Annotated[
        Path | None,
        typer.Option(help="Folder with evaluation.json and predictions.parquet, for the gate."),
    ] = None,
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Register the model of a folder as a candidate; the current one stays current.

    Given again with --evaluation, a version that is registered already gets an evaluation, which
    the gate needs of both models, on the same rows.

    Example: reviewlens models add models/default --evaluation runs/evaluation
    """
    from local.stack.registry import open_activation, record_trained_version
    from sagemaker_jobs.gate.evaluation import read_evaluation

    with _failing(), open_activation(StateFolder(state)) as dependencies:
        store = dependencies.artefacts
        if evaluation is not None:
            read_evaluation(evaluation)  # fails now rather than at the activation
        manifest = registry.register(store, folder, evaluation)
        record_trained_version(dependencies, manifest)
        version = manifest.version
        model = registry.describe(store, version)
    print_json(_dump(model)) if as_json else console().print(
        f"{version} is registered ({model.state}).", markup=False
    )


@application.command()
def compare(
    current: Annotated[str, typer.Argument(metavar="A", help="The version to hold against.")],
    candidate: Annotated[str, typer.Argument(metavar="B", help="The version in question.")],
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Ask the gate whether B is not worse than A beyond the noise, on the same evaluation.

    The exit status is 1 if B does not pass.

    Example: reviewlens models compare minilm-reviews-2-6e9a5b0c garden-1b2c3d4e
    """
    from local.stack.registry import open_registry
    from sagemaker_jobs.gate.published import compare as judge

    with _failing(), open_registry(StateFolder(state)) as store:
        result = judge(store, candidate, current)
    print_json(_dump(result)) if as_json else _show_verdict(result)
    if not result.passed:
        raise typer.Exit(1)


@application.command()
def activate(
    version: Version,
    force: Annotated[
        bool, typer.Option("--force", help="Do it although the gate has not passed.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="Most seconds to wait for reviews that come meanwhile.")
    ] = 60.0,
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Make a version current: embed all reviews with it, index them, then switch both at once.

    The gate must have passed against the version that is current; where it was not asked yet, it is
    asked now. Requests are answered all the while, by the old pair and then by the new one. If
    another activation comes first, this one changes nothing and says so. One that was interrupted
    goes on where it stopped.

    Example: reviewlens models activate garden-1b2c3d4e
    """
    from local.stack.registry import open_activation
    from sagemaker_jobs.activate.activation import activate as switch

    if force:
        notes().print("[yellow]Warning:[/yellow] --force: nobody asks what the gate says.")
    with _failing(), open_activation(StateFolder(state)) as dependencies, _steps() as on_step:
        done = switch(dependencies, version, force=force, wait_seconds=wait, on_step=on_step)
    print_json(_dump(done)) if as_json else _show_switch(done)


@application.command()
def rollback(as_json: options.Json = False, state: options.State = options.STATE) -> None:
    """Return to the version that was current before, and to its index; again: one more back.

    It takes seconds, for the index is still there. Reviews that came since are embedded by that
    model in the background and are found again as soon as they are.

    Example: reviewlens models rollback
    """
    from local.stack.registry import open_activation
    from sagemaker_jobs.activate.activation import rollback as go_back

    with _failing(), open_activation(StateFolder(state)) as dependencies, _steps() as on_step:
        done = go_back(dependencies, on_step=on_step)
    print_json(_dump(done)) if as_json else _show_switch(done)


@contextmanager
def _steps() -> Iterator["StepCallback"]:
    if not is_interactive():
        yield lambda _step: None
        return
    with notes().status("  gate") as status:
        yield lambda step: status.update(f"  {step}")


def _dump(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")


def _summary(model: Registered) -> dict[str, Any]:
    """A version without the gate's comparisons, which `models show` has."""
    return model.model_dump(mode="json", exclude={"gate": {"checks"}})


def _show_list(models: list[Registered], lines: list[Activation]) -> None:
    table = Table("version", "state", "made", "MB", "gate", *_FIGURES, box=None, pad_edge=False)
    for model in models:
        split, figures = _first_split(model.metrics)
        table.add_row(
            model.version,
            f"[{_STATES[model.state]}]{model.state}[/]",
            f"{model.created_at:%Y-%m-%d %H:%M}",
            f"{model.bytes / 1e6:.1f}",
            _gate_word(model),
            *(_figure(figures.get(name)) for name in _FIGURES),
        )
        table.columns[5].header = f"accuracy ({split})" if split else "accuracy"
    console().print(table)
    for line in lines[-5:]:
        forced = ", forced" if line.forced else ""
        console().print(
            f"{line.at:%Y-%m-%d %H:%M:%S}  {line.action} {line.version}{forced}", style="dim"
        )


def _first_split(metrics: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    for name, figures in metrics.items():
        if isinstance(figures, dict) and "accuracy" in figures:
            return name, figures
    return "", {}


def _figure(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else ""


def _gate_word(model: Registered) -> str:
    if model.gate is not None:
        return "passed" if model.gate.passed else "failed"
    if model.state == "current":
        return ""
    return "not asked" if model.evaluated else "not evaluated"


def _show_model(model: Registered) -> None:
    say = console()
    colour = _STATES[model.state]
    say.print(f"{model.version}  [{colour}]{model.state}[/]  {model.created_at:%Y-%m-%d %H:%M}")
    say.print(
        f"{model.bytes / 1e6:.1f} MB, {model.dimension} dimensions, gate: {_gate_word(model)}"
    )
    say.print(f"indexes: {', '.join(model.indexes) or 'none'}")
    table = Table("split", *_FIGURES, box=None, pad_edge=False)
    for split, figures in model.metrics.items():
        if isinstance(figures, dict) and "accuracy" in figures:
            table.add_row(split, *(_figure(figures.get(name)) for name in _FIGURES))
    if table.row_count:
        say.print(table)
    if model.gate is not None:
        _show_verdict(model.gate)


def _show_verdict(result: GateResult) -> None:
    from sagemaker_jobs.gate.table import COLUMNS, cells

    say, word = console(), "[green]passes[/]" if result.passed else "[red]does not pass[/]"
    say.print(f"{result.candidate} {word} against {result.against} ({result.rows} rows)")
    for reason in result.reasons:
        say.print(f"- {reason}", markup=False)
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for check in result.checks:
        table.add_row(*cells(check), style=None if check.passed else "red")
    if result.checks:
        say.print(table)


def _show_switch(done: "ActivationReport") -> None:
    say = console()
    instead = f" instead of {done.replaced}" if done.replaced else ""
    index = done.index_version or "no index: there are no reviews"
    say.print(f"{done.version} is current{instead}, with {index}.", markup=False)
    if read := done.reviews_scored - done.reviews_reused:
        say.print(f"{read:,} reviews were embedded anew.")
    if done.reviews_reused:
        say.print(f"{done.reviews_reused:,} reviews keep their embeddings and were judged anew.")
    say.print(f"Switched after {done.switched_after_seconds:.1f} s.")
    if done.shards_left:
        say.print(
            f"{done.shards_left} shards are still being embedded; they are indexed after that."
        )
