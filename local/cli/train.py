"""``reviewlens train``: start, follow or cancel a training run."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local.cli import options
from local.cli.connection import open_api
from local.cli.output import console, fail, is_interactive, notes, print_json
from local.errors import LocalStackError
from local.state import StateFolder
from reviewlens import Client
from reviewlens.models import TrainAccepted, TrainingStatus
from shared.schemas.training import TrainingParameters, TrainingState

_POLL_SECONDS = 0.5
_DEFAULTS = TrainingParameters()


def train(
    model_name: Annotated[
        str, typer.Option(help="Public encoder as name@commit, or a registered encoder folder.")
    ] = _DEFAULTS.model_name,
    epochs: Annotated[int, typer.Option(help="Passes over the reviews, 1 to 20.")] = (
        _DEFAULTS.epochs
    ),
    batch_size: Annotated[int, typer.Option(help="Reviews per step, 1 to 512.")] = (
        _DEFAULTS.batch_size
    ),
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate of the encoder.")] = (
        _DEFAULTS.learning_rate
    ),
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Wait until the run has ended.")
    ] = False,
    cancel: Annotated[
        str | None,
        typer.Option(metavar="TRAINING_ID", help="Cancel this run instead of starting one."),
    ] = None,
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Start a training run on the running stack; with --follow, wait for its end.

    Repeating the command with the same options while the run is active does not start a second one.
    The stack takes the Python, the training data and the encoders from REVIEWLENS_TRAIN_PYTHON,
    REVIEWLENS_TRAIN_DATA and REVIEWLENS_TRAIN_ENCODERS as set when it started; the defaults are
    .venv-train, .data and encoders in the checkout. The exit status is 1 if a followed run does not
    complete.

    Example: reviewlens train --epochs 2 --follow
    """
    run: TrainAccepted | TrainingStatus
    try:
        with open_api(state, api_url) as client:
            if cancel is not None:
                run = client.cancel_training(cancel)
            else:
                run = client.train(
                    model_name=model_name,
                    epochs=epochs,
                    batch_size=batch_size,
                    learning_rate=learning_rate,
                )
            if follow:
                run = _follow(client, run.training_id)
    except LocalStackError as error:
        fail(error)
    model = StateFolder(state).training / run.training_id / "model"
    print_json(run) if as_json else _show(run, None if api_url else model)
    expected = TrainingState.COMPLETED if cancel is None else TrainingState.CANCELLED
    if isinstance(run, TrainingStatus) and follow and run.state is not expected:
        raise typer.Exit(1)


def _follow(client: Client, training_id: str) -> TrainingStatus:
    """Poll until the run has ended, with a progress bar on a terminal; returns the last status."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
    )
    try:
        with Progress(*columns, console=notes(), disable=not is_interactive()) as progress:
            task = progress.add_task(f"  {training_id}", total=None, detail="")
            while True:
                run = client.training(training_id)
                progress.update(
                    task,
                    total=run.steps,
                    completed=run.step or 0,
                    detail=f"{run.phase or run.state} {_brief_metrics(run)}".strip(),
                )
                if run.state.is_final:
                    return run
                time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        notes().print(
            f"{training_id} keeps running; stop it with `reviewlens train --cancel {training_id}`."
        )
        raise


def _brief_metrics(run: TrainingStatus) -> str:
    """Epoch and the most important metric, short enough for a progress bar."""
    name = next((n for n in run.metrics if "macro_f1" in n), next(iter(run.metrics), None))
    return _metrics(run.epoch, {name: run.metrics[name]} if name else {})


def _metrics(epoch: int | None, metrics: Mapping[str, float]) -> str:
    prefix = f"epoch {epoch}, " if epoch else ""
    values = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
    return f"{prefix}{values}".removesuffix(", ")


def _show(run: TrainAccepted | TrainingStatus, model: Path | None) -> None:
    """Print the run; ``model`` is the folder with the weights of a run on this machine."""
    out = console()
    state = run.status if isinstance(run, TrainAccepted) else run.state
    out.print(f"{run.training_id}  {state}", markup=False)
    if run.estimated_completion_time:
        moment = run.estimated_completion_time.isoformat().replace("+00:00", "Z")
        out.print(f"expected to finish at {moment}", markup=False)
    if isinstance(run, TrainingStatus):
        _show_status(run, model)
        return
    for warning in run.warnings:
        out.print(f"Note: {warning}", style="dim", markup=False)
    out.print(f"  status: GET /status/{run.training_id}", style="dim")


def _show_status(run: TrainingStatus, model: Path | None) -> None:
    out = console()
    if run.failure_reason:
        out.print(run.failure_reason, style="red", markup=False)
    if run.metrics:
        out.print(_metrics(run.epoch, run.metrics), markup=False)
    if run.model_version:
        out.print(f"model {run.model_version}", markup=False)
    elif run.artefact_uri:
        out.print(f"weights {run.artefact_uri}", markup=False)
    elif model and run.finished_at and (weights := model / "model.safetensors").is_file():
        out.print(f"weights {weights}", markup=False)
        export = f"python -m sagemaker_jobs.export --run-dir {model}"
        out.print(f"  export a model: {export}", style="dim")
