"""Evaluations of an adapted or fused model and of its base, on the rows that it was learned from.

The probabilities of the new model are cross-validated: those of a row come from a fit
without it. With both evaluations the gate can compare the two models.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sagemaker_jobs.adapt.correction import Floats, Labels
from sagemaker_jobs.arguments import TEXT_AND_IMAGE
from sagemaker_jobs.clip.evaluations import adopt_evaluations
from sagemaker_jobs.evaluate import predictions
from sagemaker_jobs.evaluate.cross_validated import BASE_EVALUATION, EVALUATION, write_evaluation
from sagemaker_jobs.evaluate.figures import figures_of
from sagemaker_jobs.gate.evaluation import read_evaluation
from shared.errors import NotFoundError
from shared.runtime.decisions import decide
from shared.schemas.manifest import Manifest
from shared.storage import artefacts, registry
from shared.storage.objects import ObjectStore
from shared.storage.restore import restore_version

_SPLIT = "adaptation"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The reviews of an adaptation, with the probabilities (n, classes) of both models."""

    texts: Sequence[str]
    labels: Labels
    before: Floats
    after: Floats


def write_evaluations(folder: Path, *, base: Manifest, version: str, evaluated: Evaluated) -> None:
    """Write both evaluations into the folder of the adapted model, which has its base's rules."""
    decisions = base.decisions
    rows = [predictions.row_key(text) for text in evaluated.texts], evaluated.labels
    for name, model, probabilities in (
        (EVALUATION, version, evaluated.after),
        (BASE_EVALUATION, base.version, evaluated.before),
    ):
        decided = decide(decisions.review, probabilities)
        own = figures_of(decided, evaluated.labels)
        write_evaluation(folder / name, model, _SPLIT, rows, decided, own, decisions)


def register_with_evaluations(
    store: ObjectStore, folder: Path, evaluation: Path | None = None
) -> Manifest:
    """Register a model with the evaluations in its folder; the base gets its own.

    Args:
        store: the artefact bucket.
        folder: a model.
        evaluation: its evaluation; by default ``folder/evaluation``, if there is one.

    Raises:
        ArtefactError: the model does not match its manifest, or an evaluation cannot be used.
        EvaluationError: an evaluation cannot be read.
        ConflictError: the version exists with other content.
    """
    own = folder / EVALUATION
    chosen = evaluation or (own if own.is_dir() else None)
    if chosen is not None:
        read_evaluation(chosen)  # fails now rather than at the activation
    restore_version(store, "model", folder)  # if it was registered before and is damaged
    manifest = registry.register(store, folder, chosen)
    base = base_of(manifest)
    if base is not None and (folder / BASE_EVALUATION).is_dir():
        with suppress(NotFoundError):  # the base is not registered here, so it is not current
            artefacts.read_manifest(store, "model", base)
            registry.add_evaluation(store, base, folder / BASE_EVALUATION)
            if manifest.fusion is not None:  # its answers to texts alone are those of the base
                adopt_evaluations(store, base, manifest.version, leave_out=TEXT_AND_IMAGE)
    return manifest


def base_of(manifest: Manifest) -> str | None:
    """The version that an adapted or fused one was made from; None for any other."""
    if manifest.fusion is not None:
        return manifest.fusion.text_model
    base = manifest.parameters.get("adapted_from")
    return base if isinstance(base, str) else None
