"""All figures of one split."""

import numpy as np

from sagemaker_jobs.evaluate import calibration
from sagemaker_jobs.evaluate.config import EvaluateConfig
from sagemaker_jobs.evaluate.intervals import bootstrap
from sagemaker_jobs.evaluate.metrics import Ints, figures
from sagemaker_jobs.evaluate.report import Abstain, SplitReport
from sagemaker_jobs.evaluate.rows import Rows, Texts
from sagemaker_jobs.evaluate.slices import GROUPS, SLICES, by_slice, length_bands, worst_group
from shared.runtime.decisions import Decided


def slices_of(rows: Rows, lengths: Ints) -> dict[str, Texts]:
    """The part of each row, for each kind of slice that the rows have."""
    kinds = {**rows.columns, "length": length_bands(lengths)}
    return {kind: kinds[kind] for kind in SLICES if kind in kinds}


def report_split(
    rows: Rows,
    decided: Decided,
    slices: dict[str, Texts],
    config: EvaluateConfig,
    abstain: Abstain | None,
) -> SplitReport:
    """Figures, intervals, slices, worst groups and calibration of a split.

    Args:
        rows: n rows.
        decided: What the model says of them.
        slices: From slices_of.
        config: Number of bootstrap samples and minimum group size.
        abstain: The threshold chosen on validation.
    """
    result = figures(decided, rows.labels)
    correct = (decided.labels == rows.labels).astype(np.int64)
    confusion = np.array(result["confusion"])
    groups = {
        name: worst
        for name in GROUPS
        if name in rows.columns
        and (worst := worst_group(correct, rows.columns[name], config.group_rows)) is not None
    }
    answered = None
    if abstain is not None:
        answered = calibration.at_threshold(decided, rows.labels, abstain.threshold)
    return SplitReport.model_validate(
        {
            **result,
            "intervals": bootstrap(
                confusion, decided.probabilities, rows.labels, config.resamples, config.seed
            ),
            "slices": by_slice(decided, rows.labels, slices),
            "worst_groups": groups,
            "reliability": calibration.reliability(decided, rows.labels),
            "coverage_curve": calibration.coverage_curve(decided, rows.labels),
            "answered": answered,
        }
    )
