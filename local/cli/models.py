"""``reviewlens models``: list, register, compare, activate and roll back models."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic import BaseModel

from local.cli import models_output, options
from local.cli.output import console, fail, is_interactive, notes, print_json
from local.errors import LocalStackError
from local.state import StateFolder
from shared.storage import registry
from shared.storage.registry import RegisteredVersion

if TYPE_CHECKING:
    from sagemaker_jobs.activate.dependencies import StepCallback

application = typer.Typer(
    help="Register models, compare them, and choose which one is used.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Precision = Literal["int8", "float32"]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="Version from `models list`.")]


@contextmanager
def _exit_on_error() -> Iterator[None]:
    try:
        yield
    except LocalStackError as error:
        fail(error)


@application.command("list")
def list_models(as_json: options.Json = False, state: options.State = options.STATE) -> None:
    """List all versions, newest first: state, gate result, metrics, and recent activations.

    Example: reviewlens models list --json
    """
    from local.stack.registry import open_registry

    with _exit_on_error(), open_registry(StateFolder(state)) as store:
        models, activations = registry.list_versions(store), registry.history(store)
    if as_json:
        result = {
            "models": [_summary(model) for model in models],
            "activations": [_dump(activation) for activation in activations],
        }
        print_json(result)
    else:
        models_output.show_models(models, activations)


@application.command()
def show(
    version: Version, as_json: options.Json = False, state: options.State = options.STATE
) -> None:
    """Show one version: its state, metrics, indexes, and gate result.

    Example: reviewlens models show minilm-reviews-3-6f42fd6c
    """
    from local.stack.registry import open_registry

    with _exit_on_error(), open_registry(StateFolder(state)) as store:
        model = registry.describe(store, version)
    print_json(_dump(model)) if as_json else models_output.show_model(model)


@application.command()
def add(
    folder: Annotated[Path, typer.Argument(help="Folder with model.onnx and manifest.json.")],
    evaluation: Annotated[
        Path | None,
        typer.Option(
            help="Folder with evaluation.json and predictions.parquet, for the gate.",
            show_default="FOLDER/evaluation, if it exists",
        ),
    ] = None,
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Register the model in a folder as a candidate; the current model stays current.

    Run it again with --evaluation to add an evaluation to a registered version. The gate needs
    evaluations of both models on the same rows; a folder of `reviewlens adapt` has both.

    Example: reviewlens models add models/default --evaluation runs/evaluation
    """
    from local.stack.registry import open_activation, record_trained_version
    from sagemaker_jobs.adapt.evaluation import register_with_evaluations

    with _exit_on_error(), open_activation(StateFolder(state)) as dependencies:
        store = dependencies.artefacts
        manifest = register_with_evaluations(store, folder, evaluation)
        record_trained_version(dependencies, manifest)
        version = manifest.version
        model = registry.describe(store, version)
    print_json(_dump(model)) if as_json else console().print(
        f"{version} is registered ({model.state}).", markup=False
    )


@application.command("import")
def import_checkpoint(
    source: Annotated[
        str,
        typer.Argument(
            metavar="NAME_OR_FOLDER",
            help="Folder of a checkpoint, or NAME or NAME@COMMIT on the Hugging Face hub.",
        ),
    ],
    sentiment: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Version whose encoder gives the sentiments.",
            show_default="the current version",
        ),
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="int8: of each tower whose vectors stay close to float32's.")
    ] = "int8",
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Import a CLIP or SigLIP checkpoint, and register it as a candidate.

    Texts and pictures get vectors by its two towers; sentiments are those of the encoder of another
    version. The export runs in the training environment (`make train-env`).

    Example: reviewlens models import checkpoints/clip-vit-base-patch32
    """
    from local.stack.importing import import_model
    from local.stack.registry import open_registry

    with _exit_on_error(), open_registry(StateFolder(state)) as store, _exporting():
        version = import_model(
            store, source, sentiment, precision=precision, cache_dir=StateFolder(state).cache
        )
        model = registry.describe(store, version)
    print_json(_dump(model)) if as_json else console().print(
        f"{version} is registered ({model.state}).", markup=False
    )


@application.command()
def compare(
    current: Annotated[str, typer.Argument(metavar="A", help="The version to compare against.")],
    candidate: Annotated[str, typer.Argument(metavar="B", help="The version to check.")],
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Run the gate: check that B is not worse than A by more than the noise, on the same rows.

    The exit status is 1 if B does not pass.

    Example: reviewlens models compare minilm-reviews-3-6f42fd6c garden-1b2c3d4e
    """
    from local.stack.registry import open_registry
    from sagemaker_jobs.gate.published import compare as judge

    with _exit_on_error(), open_registry(StateFolder(state)) as store:
        result = judge(store, candidate, current)
    print_json(_dump(result)) if as_json else models_output.show_gate_result(result)
    if not result.passed:
        raise typer.Exit(1)


@application.command()
def activate(
    version: Version,
    force: Annotated[
        bool, typer.Option("--force", help="Activate even if the gate has not passed.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option(
            min=0, help="Seconds to wait at most for reviews that arrive during the activation."
        ),
    ] = 60.0,
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Make a version current: embed all reviews with it, index them, then switch both at once.

    The gate must pass against the current version; it is run now if there is no result yet.
    Requests are served throughout, first with the old model and index and then with the new ones.
    If another activation finishes first, this one fails and changes nothing. An interrupted
    activation can be run again and continues where it stopped.

    Example: reviewlens models activate garden-1b2c3d4e
    """
    from local.stack.registry import open_activation
    from sagemaker_jobs.activate.activation import activate as switch

    if force:
        notes().print("[yellow]Warning:[/yellow] --force: the gate is skipped.")
    with (
        _exit_on_error(),
        open_activation(StateFolder(state)) as dependencies,
        show_steps() as on_step,
    ):
        report = switch(dependencies, version, force=force, wait_seconds=wait, on_step=on_step)
    print_json(_dump(report)) if as_json else models_output.show_activation(report)


@application.command()
def rollback(as_json: options.Json = False, state: options.State = options.STATE) -> None:
    """Return to the previously current version and its index; run it again to go further back.

    This takes seconds, because the index still exists. Reviews that arrived since then are embedded
    with that model in the background, and can be searched again after that.

    Example: reviewlens models rollback
    """
    from local.stack.registry import open_activation
    from sagemaker_jobs.activate.activation import rollback as go_back

    with (
        _exit_on_error(),
        open_activation(StateFolder(state)) as dependencies,
        show_steps() as on_step,
    ):
        report = go_back(dependencies, on_step=on_step)
    print_json(_dump(report)) if as_json else models_output.show_activation(report)


@contextmanager
def show_steps() -> Iterator["StepCallback"]:
    """Show each step of an activation, if this is a terminal."""
    if not is_interactive():
        yield lambda _step: None
        return
    with notes().status("  gate") as status:
        yield lambda step: status.update(f"  {step}")


def _exporting() -> AbstractContextManager[object]:
    """Say that an export is running, if this is a terminal."""
    return notes().status("  exporting") if is_interactive() else nullcontext()


def _dump(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")


def _summary(model: RegisteredVersion) -> dict[str, Any]:
    """A version without the checks of the gate, which only `models show` prints."""
    return model.model_dump(mode="json", exclude={"gate": {"checks"}})
