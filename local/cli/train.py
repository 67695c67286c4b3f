"""``reviewlens train``: start, follow or cancel a training run."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local.cli import options
from local.cli.output import console, fail, is_interactive, notes, print_json
from local.errors import LocalStackError
from local.stack.client import StackClient, connected
from local.state import StateFolder
from shared.schemas.training import TrainingParameters, TrainingState

_POLL_SECONDS = 0.5
_DEFAULTS = TrainingParameters()


def train(
    model_name: Annotated[
        str, typer.Option(help="Known encoder, or name of a registered encoder folder.")
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
) -> None:
    """Start a training run on the running stack; with --follow, wait for its end.

    Repeating the command with the same options while the run is active does not start a second one.
    The stack takes the Python, the training data and the encoders from REVIEWLENS_TRAIN_PYTHON,
    REVIEWLENS_TRAIN_DATA and REVIEWLENS_TRAIN_ENCODERS as set when it started; the defaults are
    .venv-train, .data and encoders in the checkout. The exit status is 1 if a followed run does not
    complete.

    Example: reviewlens train --epochs 2 --follow
    """
    body = {
        "model_name": model_name,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    }
    try:
        with connected(StateFolder(state)) as client:
            if cancel is not None:
                run = client.post(f"/status/{cancel}/cancel", {})
            else:
                run = client.post("/train", body)
            if follow:
                run = _follow(client, run["training_id"])
    except LocalStackError as error:
        fail(error)
    model = StateFolder(state).root / "training" / run["training_id"] / "model"
    print_json(run) if as_json else _show(run, model)
    expected = TrainingState.COMPLETED if cancel is None else TrainingState.CANCELLED
    if follow and run["state"] != expected:
        raise typer.Exit(1)


def _follow(client: StackClient, training_id: str) -> dict[str, Any]:
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
                run = client.get(f"/status/{training_id}")
                progress.update(
                    task,
                    total=run["steps"],
                    completed=run["step"] or 0,
                    detail=f"{run['phase'] or run['state']} {_brief_metrics(run)}".strip(),
                )
                if TrainingState(run["state"]).is_final:
                    return run
                time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        notes().print(
            f"{training_id} keeps running; stop it with `reviewlens train --cancel {training_id}`."
        )
        raise


def _brief_metrics(run: dict[str, Any]) -> str:
    """Epoch and the most important metric, short enough for a progress bar."""
    metrics = run["metrics"]
    name = next((name for name in metrics if "macro_f1" in name), next(iter(metrics), None))
    return _metrics({**run, "metrics": {name: metrics[name]} if name else {}})


def _metrics(run: dict[str, Any]) -> str:
    epoch = f"epoch {run['epoch']}, " if run["epoch"] else ""
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in run["metrics"].items())
    return f"{epoch}{metrics}".removesuffix(", ")


def _show(run: dict[str, Any], model: Path) -> None:
    """Print the run; ``model`` is the folder with the weights of a run on this machine."""
    out = console()
    state = run.get("state") or run["status"]
    out.print(f"{run['training_id']}  {state}", markup=False)
    if run.get("estimated_completion_time"):
        out.print(f"expected to finish at {run['estimated_completion_time']}", markup=False)
    if run.get("failure_reason"):
        out.print(run["failure_reason"], style="red", markup=False)
    if run.get("metrics"):
        out.print(_metrics(run), markup=False)
    if run.get("model_version"):
        out.print(f"model {run['model_version']}", markup=False)
    elif run.get("artefact_uri"):
        out.print(f"weights {run['artefact_uri']}", markup=False)
    elif (weights := model / "model.safetensors").is_file() and run.get("finished_at"):
        out.print(f"weights {weights}", markup=False)
        out.print(
            f"  export a model: python -m sagemaker_jobs.export --run-dir {model}", style="dim"
        )
    for warning in run.get("warnings", []):
        out.print(f"Note: {warning}", style="dim", markup=False)
    if "state" not in run:
        out.print(f"  status: GET /status/{run['training_id']}", style="dim")
