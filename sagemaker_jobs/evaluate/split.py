"""All figures of one split."""

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
    """The part of each row, for each kind of slice that the rows have."""
    kinds = {**rows.columns, "length": length_bands(lengths)}
    return {kind: kinds[kind] for kind in SLICES if kind in kinds}


def report_split(
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
        slices: From slices_of.
        config: Number of bootstrap samples and minimum group size.
        abstain: The threshold chosen on validation.
    """
    figures = classification(logits, rows.labels)
    probabilities = softmax(logits)
    correct = (probabilities.argmax(-1) == rows.labels).astype(np.int64)
    confusion = np.array(figures["confusion"])
    groups = {
        name: worst
        for name in GROUPS
        if name in rows.columns
        and (worst := worst_group(correct, rows.columns[name], config.group_rows)) is not None
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
