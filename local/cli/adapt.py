"""``reviewlens adapt``: fit the sentiment to a new kind of products by labelled reviews."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from local.aws.resources import local_client
from local.cli import options
from local.cli.labelled import Labelled, read_labelled
from local.cli.output import console, fail, notes, print_json
from local.cli.up import shipped_model
from local.errors import LocalStackError
from local.names import ARTEFACT_BUCKET
from local.state import StateFolder
from shared.errors import InvalidInputError, ReviewlensError
from shared.storage import artefacts, registry
from shared.storage.objects import S3Store

_MOST_ROWS = 1000
"""Time grows with the third power: 300 take seconds, 1,000 a minute."""
_SHOWN = (
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
            show_default="the current one of a running stack, else models/default",
        ),
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option("--map", help="Columns of dumps with names of their own: field=column,…"),
    ] = None,
    rows: Annotated[
        int,
        typer.Option(min=30, max=_MOST_ROWS, help="Most reviews to use; of more, a random draw."),
    ] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw and of the cross-validation.")] = 13,
    register: Annotated[
        bool,
        typer.Option("--register/--no-register", help="Register it with a running stack."),
    ] = True,
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Fit the sentiment to a new kind of products, in seconds, by 100 to 300 reviews with stars.

    The reviews should come as they are, with their natural mix of stars: that mix is learned, too.
    Dumps are read as by ingest. Embeddings stay the same, bit for bit. The figures are
    cross-validated; where no gain is beyond noise, nothing is written. With a running stack the new
    model becomes a candidate there and never current by itself.

    Example: reviewlens adapt garden.jsonl.gz --output models/garden
    """
    # Hundreds of small systems are solved: threads waiting for one another take four times as long.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from sagemaker_jobs.adapt.config import AdaptConfig  # onnx and numpy: not at start-up
    from sagemaker_jobs.adapt.job import run

    try:
        labelled = read_labelled(dumps, mapping=mapping, most=rows, seed=seed)
        store = _running_store(StateFolder(state))
        with _base_folder(model, store) as base:
            config = AdaptConfig(model_dir=base, output_dir=output, seed=seed)
            report = run(config, labelled.texts, labelled.stars)
        made = report["version"] is not None
        if made and register and store is not None:
            registry.register(store, output)
    except ReviewlensError as error:
        wrong_use = isinstance(error, InvalidInputError)
        fail(LocalStackError(error.message, exit_code=2 if wrong_use else 1))
    except LocalStackError as error:
        fail(error)
    told = {
        "reviews": labelled.counts(),
        **report,
        "folder": str(output) if made else None,
        "registered": made and register and store is not None,
    }
    print_json(told) if as_json else _show(labelled, told)


def _running_store(state: StateFolder) -> S3Store | None:
    """The artefact bucket of the stack that runs on a folder, if one does."""
    running = state.running()
    return S3Store(local_client("s3", running.aws_url), ARTEFACT_BUCKET) if running else None


@contextmanager
def _base_folder(model: Path | None, store: S3Store | None) -> Iterator[Path]:
    """The folder of the model to start from.

    Raises:
        LocalStackError: there is none.
    """
    current = artefacts.current(store, "model") if store and model is None else None
    if store is not None and current is not None:
        with tempfile.TemporaryDirectory(prefix="reviewlens-adapt-") as cache:
            yield artefacts.fetch(store, "model", current.version, Path(cache)).folder
        return
    folder = model or shipped_model()
    if folder is None:
        told = "There is no model to start from: name its folder with --model."
        raise LocalStackError(told, exit_code=2)
    yield folder


def _show(labelled: Labelled, told: dict[str, Any]) -> None:
    say = console()
    counts = told["reviews"]
    say.print(
        f"{counts['rows_read']:,} rows read, {counts['rejected']:,} rejected, "
        f"{counts['without_stars']:,} without stars, {counts['repeated']:,} repeated, "
        f"{counts['used']:,} used"
    )
    for reason, count in sorted(labelled.rejects.items()):
        notes().print(f"  {count:,} rejected as {reason}", style="dim")
    table = Table("reviews it has not seen", "before", "after", box=None, pad_edge=False)
    for name, shown in _SHOWN:
        table.add_row(shown, f"{told['before'][name]:.3f}", f"{told['after'][name]:.3f}")
    say.print(table)
    change = told["change"]
    say.print(
        f"change in accuracy {change['accuracy']:+.3f} ± {change['accuracy_standard_error']:.3f}, "
        f"in log loss {change['log_loss']:+.3f} ± {change['log_loss_standard_error']:.3f} "
        "(standard errors)"
    )
    if told["version"] is None:
        say.print(f"No gain beyond noise over {told['base']}: nothing was written.")
        return
    say.print(f"{told['version']} in {told['folder']}, {told['seconds']} s", markup=False)
    if told["registered"]:
        say.print(
            "It is a candidate. The gate wants its evaluation: `reviewlens models add "
            f"{told['folder']} --evaluation …`, then `compare` and `activate`.",
            markup=False,
        )
