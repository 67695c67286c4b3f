"""``reviewlens adapt``: adapt the sentiment model to a new kind of product with rated reviews."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from local.aws.resources import local_client
from local.cli import options
from local.cli.labelled import Labelled, read_labelled
from local.cli.models import show_steps
from local.cli.models_output import show_activation
from local.cli.output import console, fail, notes, print_json
from local.cli.up import shipped_model
from local.errors import LocalStackError
from local.names import ARTEFACT_BUCKET
from local.state import StateFolder
from shared.errors import InvalidInputError, ReviewlensError
from shared.storage import artefacts
from shared.storage.objects import S3Store

if TYPE_CHECKING:
    from sagemaker_jobs.activate.activation import ActivationReport

_MAX_REVIEWS = 1000
"""Time grows with the cube of the reviews: 300 take seconds, 1,000 take a minute."""
_METRICS = (
    ("accuracy", "accuracy"),
    ("macro_f1", "macro-F1"),
    ("weighted_f1", "weighted F1"),
    ("log_loss", "log loss"),
    ("calibration_error", "calibration error"),
)


def adapt(
    dumps: Annotated[list[Path], typer.Argument(metavar="DUMP…", help="Files or folders.")],
    output: Annotated[Path, typer.Option(help="Folder to write the new model to.")],
    model: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the model to start from.",
            show_default="the current model of a running stack, else models/default",
        ),
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option("--map", help="Columns of the dumps: field=column,…"),
    ] = None,
    rows: Annotated[
        int,
        typer.Option(
            min=30, max=_MAX_REVIEWS, help="Maximum number of reviews; larger dumps are sampled."
        ),
    ] = 300,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the sample and of the cross-validation.")
    ] = 13,
    register: Annotated[
        bool,
        typer.Option(
            "--register/--no-register", help="Register the new model with a running stack."
        ),
    ] = True,
    activate: Annotated[
        bool,
        typer.Option("--activate", help="Make the new model current, as `models activate` does."),
    ] = False,
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Adapt the sentiment model to a new kind of product with 100 to 300 rated reviews, in seconds.

    Use reviews with their natural mix of stars: that mix is learned, too. Dumps are read as by
    ingest. Embeddings stay the same, bit for bit. The metrics are cross-validated; if the gain is
    not larger than the noise, nothing is written. A running stack registers the new model and its
    evaluation as a candidate; with --activate it becomes current if the gate passes.

    Example: reviewlens adapt garden.jsonl.gz --output models/garden --activate
    """
    # Hundreds of small systems are solved: with several threads that takes four times as long.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from sagemaker_jobs.adapt.config import AdaptConfig  # imports onnx and numpy: not at start-up
    from sagemaker_jobs.adapt.evaluation import register_with_evaluations
    from sagemaker_jobs.adapt.job import run

    folder, activation = StateFolder(state), None
    try:
        if activate:
            folder.require_running()
        labelled = read_labelled(dumps, mapping=mapping, max_reviews=rows, seed=seed)
        store = _running_store(folder)
        with _base_folder(model, store) as base:
            config = AdaptConfig(model_dir=base, output_dir=output, seed=seed)
            report = run(config, labelled.texts, labelled.stars)
        is_written = report["version"] is not None
        is_registered = is_written and (register or activate) and store is not None
        if store is not None and is_registered:
            register_with_evaluations(store, output)
        if is_registered and activate:
            activation = _activate(folder, str(report["version"]))
    except ReviewlensError as error:
        is_usage_error = isinstance(error, InvalidInputError)
        fail(LocalStackError(error.message, exit_code=2 if is_usage_error else 1))
    except LocalStackError as error:
        fail(error)
    result = {
        "reviews": labelled.counts(),
        **report,
        "folder": str(output) if is_written else None,
        "registered": is_registered,
        "activation": activation.model_dump(mode="json") if activation else None,
    }
    if as_json:
        print_json(result)
        return
    _show(labelled, result)
    if activation is not None:
        show_activation(activation)


def _activate(state: StateFolder, version: str) -> "ActivationReport":
    from local.stack.registry import open_activation
    from sagemaker_jobs.activate.activation import activate

    with open_activation(state) as dependencies, show_steps() as on_step:
        return activate(dependencies, version, on_step=on_step)


def _running_store(state: StateFolder) -> S3Store | None:
    """The artefact bucket of the stack that runs on a folder, None if there is none."""
    running = state.running()
    if running is None:
        return None
    return S3Store(local_client("s3", running.aws_url, state.aws_keys()), ARTEFACT_BUCKET)


@contextmanager
def _base_folder(model: Path | None, store: S3Store | None) -> Iterator[Path]:
    """The folder of the model to start from.

    Raises:
        LocalStackError: there is no such model.
    """
    current = artefacts.current(store, "model") if store and model is None else None
    if store is not None and current is not None:
        with tempfile.TemporaryDirectory(prefix="reviewlens-adapt-") as cache:
            yield artefacts.fetch(store, "model", current.version, Path(cache)).folder
        return
    folder = model or shipped_model()
    if folder is None:
        message = "There is no model to start from: choose its folder with --model."
        raise LocalStackError(message, exit_code=2)
    yield folder


def _show(labelled: Labelled, result: dict[str, Any]) -> None:
    out = console()
    counts = result["reviews"]
    out.print(
        f"{counts['rows_read']:,} rows read, {counts['rejected']:,} rejected, "
        f"{counts['without_stars']:,} without stars, {counts['repeated']:,} repeated, "
        f"{counts['used']:,} used"
    )
    for reason, count in sorted(labelled.rejects.items()):
        notes().print(f"  {count:,} rejected as {reason}", style="dim")
    table = Table("held-out reviews", "before", "after", box=None, pad_edge=False)
    for name, label in _METRICS:
        table.add_row(label, f"{result['before'][name]:.3f}", f"{result['after'][name]:.3f}")
    out.print(table)
    change = result["change"]
    out.print(
        f"change: accuracy {change['accuracy']:+.3f} ± {change['accuracy_standard_error']:.3f}, "
        f"log loss {change['log_loss']:+.3f} ± {change['log_loss_standard_error']:.3f} "
        "(± standard error)"
    )
    if result["version"] is None:
        out.print(f"The gain over {result['base']} is within the noise: nothing was written.")
        return
    out.print(
        f"Wrote {result['version']} to {result['folder']} in {result['seconds']} s.", markup=False
    )
    if result["activation"]:
        return
    if result["registered"]:
        out.print(
            f"It is a candidate now: make it current with `reviewlens models activate "
            f"{result['version']}`.",
            markup=False,
        )
    else:
        out.print(f"Register it with `reviewlens models add {result['folder']}`.", markup=False)
