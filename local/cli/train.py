"""``reviewlens train``: start a training and follow it to its end."""

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
        str, typer.Option(help="A known encoder, or the name of a registered folder.")
    ] = _DEFAULTS.model_name,
    epochs: Annotated[int, typer.Option(help="Passes over the reviews, 1 to 20.")] = (
        _DEFAULTS.epochs
    ),
    batch_size: Annotated[int, typer.Option(help="Reviews per step, 1 to 512.")] = (
        _DEFAULTS.batch_size
    ),
    learning_rate: Annotated[float, typer.Option(help="Of the encoder, at its peak.")] = (
        _DEFAULTS.learning_rate
    ),
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Wait until the training has ended.")
    ] = False,
    cancel: Annotated[
        str | None,
        typer.Option(metavar="TRAINING_ID", help="Start nothing: stop this training."),
    ] = None,
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Start a training on the running stack; with --follow, wait for its end.

    The same options while it runs start no second one. The stack that was started with
    REVIEWLENS_TRAIN_PYTHON, REVIEWLENS_TRAIN_DATA and REVIEWLENS_TRAIN_ENCODERS trains with that
    python, those reviews and the encoders of that folder; else with .venv-train, .data and encoders
    of the checkout. The exit status is 1 if a training that is followed does not complete.

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
                found = client.post(f"/status/{cancel}/cancel", {})
            else:
                found = client.post("/train", body)
            if follow:
                found = _follow(client, found["training_id"])
    except LocalStackError as error:
        fail(error)
    model = StateFolder(state).root / "training" / found["training_id"] / "model"
    print_json(found) if as_json else _show(found, model)
    wanted = TrainingState.COMPLETED if cancel is None else TrainingState.CANCELLED
    if follow and found["state"] != wanted:
        raise typer.Exit(1)


def _follow(client: StackClient, training_id: str) -> dict[str, Any]:
    """Ask until the run has ended; a bar of steps and the newest metrics for a person."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    try:
        with Progress(*columns, console=notes(), disable=not is_interactive()) as progress:
            task = progress.add_task(f"  {training_id}", total=None, told="")
            while True:
                found = client.get(f"/status/{training_id}")
                progress.update(
                    task,
                    total=found["steps"],
                    completed=found["step"] or 0,
                    told=f"{found['phase'] or found['state']} {_short(found)}".strip(),
                )
                if TrainingState(found["state"]).is_final:
                    return found
                time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        notes().print(f"{training_id} goes on; `reviewlens train --cancel {training_id}` ends it.")
        raise


def _short(found: dict[str, Any]) -> str:
    """Epoch and the one metric that tells most, for a bar that must fit a terminal."""
    metrics = found["metrics"]
    name = next((name for name in metrics if "macro_f1" in name), next(iter(metrics), None))
    return _metrics({**found, "metrics": {name: metrics[name]} if name else {}})


def _metrics(found: dict[str, Any]) -> str:
    epoch = f"epoch {found['epoch']}, " if found["epoch"] else ""
    told = ", ".join(f"{name} {value:.4g}" for name, value in found["metrics"].items())
    return f"{epoch}{told}".removesuffix(", ")


def _show(found: dict[str, Any], model: Path) -> None:
    """What became of it; ``model`` is where a run of this machine leaves what it trained."""
    say = console()
    where = found.get("state") or found["status"]
    say.print(f"{found['training_id']}  {where}", markup=False)
    if found.get("estimated_completion_time"):
        say.print(f"should be done at {found['estimated_completion_time']}", markup=False)
    if found.get("failure_reason"):
        say.print(found["failure_reason"], style="red", markup=False)
    if found.get("metrics"):
        say.print(_metrics(found), markup=False)
    if found.get("model_version"):
        say.print(f"model {found['model_version']}", markup=False)
    elif found.get("artefact_uri"):
        say.print(f"weights {found['artefact_uri']}", markup=False)
    elif (weights := model / "model.safetensors").is_file() and found.get("finished_at"):
        say.print(f"weights {weights}", markup=False)
        say.print(f"  a model of them: sagemaker_jobs.export --run-dir {model}", style="dim")
    for warning in found.get("warnings", []):
        say.print(f"note: {warning}", style="dim", markup=False)
    if "state" not in found:
        say.print(f"  how it stands: GET /status/{found['training_id']}", style="dim")
