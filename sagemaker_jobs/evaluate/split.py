"""Everything that is said of one split."""

import numpy as np

from sagemaker_jobs.evaluate import calibration
from sagemaker_jobs.evaluate.config import EvaluateConfig
from sagemaker_jobs.evaluate.intervals import bootstrap
from sagemaker_jobs.evaluate.metrics import Floats, Ints, classification
from sagemaker_jobs.evaluate.report import Abstain, SplitReport
from sagemaker_jobs.evaluate.rows import Rows, Texts
from sagemaker_jobs.evaluate.slices import GROUPS, SLICES, by_slice, length_bands, worst_group
from shared.runtime.probabilities import softmax


def slices_of(rows: Rows, lengths: Ints) -> dict[str, Texts]:
    """For each kind of slice that the rows have, the part of each row."""
    known = {**rows.columns, "length": length_bands(lengths)}
    return {kind: known[kind] for kind in SLICES if kind in known}


def describe(
    rows: Rows,
    logits: Floats,
    slices: dict[str, Texts],
    config: EvaluateConfig,
    abstain: Abstain | None,
) -> SplitReport:
    """Figures, intervals, slices, worst groups and calibration of a split.

    Args:
        rows: n rows.
        logits: (n, 3).
        slices: As slices_of gives them.
        config: How many samples, how large a group.
        abstain: The threshold that was chosen on validation.
    """
    figures = classification(logits, rows.labels)
    probabilities = softmax(logits)
    correct = (probabilities.argmax(-1) == rows.labels).astype(np.int64)
    confusion = np.array(figures["confusion"])
    groups = {
        name: found
        for name in GROUPS
        if name in rows.columns
        and (found := worst_group(correct, rows.columns[name], config.group_rows)) is not None
    }
    answered = None
    if abstain is not None:
        answered = calibration.at_threshold(probabilities, rows.labels, abstain.threshold)
    return SplitReport.model_validate(
        {
            **figures,
            "intervals": bootstrap(
                confusion, probabilities, rows.labels, config.resamples, config.seed
            ),
            "slices": by_slice(logits, rows.labels, slices),
            "worst_groups": groups,
            "reliability": calibration.reliability(probabilities, rows.labels),
            "coverage_curve": calibration.coverage_curve(probabilities, rows.labels),
            "answered": answered,
        }
    )
