"""Evaluations of a model on the rows that it was learned from, by fits without them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sagemaker_jobs.evaluate import predictions
from sagemaker_jobs.evaluate.metrics import Ints
from shared.runtime.decisions import Decided
from shared.schemas.decisions import Decisions
from shared.storage.layout import EVALUATION_FILES

EVALUATION = "evaluation"
"""Folder in that of a model; the one of its base is beside it."""
BASE_EVALUATION = "base_evaluation"


def write_evaluation(
    folder: Path,
    version: str,
    split: str,
    rows: tuple[Sequence[str], Ints],
    decided: Decided,
    figures: Mapping[str, float],
    decisions: Decisions,
) -> None:
    """Write a cross-validated evaluation.

    Args:
        folder: the folder to make.
        version: the evaluated model.
        split: name of the rows.
        rows: their keys and labels, each (n,).
        decided: the model's answers to the n rows.
        figures: those of the answers.
        decisions: the model's rules.
    """
    folder.mkdir()
    content = {
        "version": version,
        "evaluated_at": datetime.now(UTC).isoformat(),
        "method": "cross_validated",
        "splits": {split: dict(figures)},
    }
    (folder / EVALUATION_FILES[0]).write_text(json.dumps(content, indent=1) + "\n")
    table = predictions.table_of_keys(split, *rows, decided, {})
    predictions.write(folder / predictions.FILE, [table], version, decisions)
