"""Evaluations of an adapted model and of its base, on the reviews that it was adapted with.

The probabilities of the adapted model are cross-validated: those of a row come from corrections
that were fitted without it. With both evaluations the gate can compare the two models.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sagemaker_jobs.adapt.correction import Floats, Labels
from sagemaker_jobs.adapt.figures import figures
from sagemaker_jobs.evaluate import predictions
from sagemaker_jobs.evaluate.rows import Rows
from sagemaker_jobs.gate.evaluation import read_evaluation
from shared.errors import NotFoundError
from shared.runtime.decisions import decide
from shared.schemas.manifest import Manifest
from shared.storage import artefacts, registry
from shared.storage.layout import EVALUATION_FILES
from shared.storage.objects import ObjectStore
from shared.storage.restore import restore_version

EVALUATION = "evaluation"
BASE_EVALUATION = "base_evaluation"
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
    rows = Rows(list(evaluated.texts), evaluated.labels, {})
    for name, model, probabilities in (
        (EVALUATION, version, evaluated.after),
        (BASE_EVALUATION, base.version, evaluated.before),
    ):
        (folder / name).mkdir()
        content = {
            "version": model,
            "evaluated_at": datetime.now(UTC).isoformat(),
            "method": "cross_validated",
            "splits": {_SPLIT: figures(probabilities, evaluated.labels, decisions.review)},
        }
        (folder / name / EVALUATION_FILES[0]).write_text(json.dumps(content, indent=1) + "\n")
        decided = decide(decisions.review, probabilities)
        table = predictions.table_of(_SPLIT, rows, decided, {})
        predictions.write(folder / name / predictions.FILE, [table], model, decisions)


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
    if (folder / BASE_EVALUATION).is_dir():
        with suppress(NotFoundError):  # the base is not registered here, so it is not current
            base = str(manifest.parameters.get("adapted_from"))
            artefacts.read_manifest(store, "model", base)
            registry.add_evaluation(store, base, folder / BASE_EVALUATION)
    return manifest
