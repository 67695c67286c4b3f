"""Judges a candidate: overall, slice by slice, and under noise."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from sagemaker_jobs.gate.config import Rules
from sagemaker_jobs.gate.evaluation import Evaluation
from sagemaker_jobs.gate.rows import row_mismatch
from sagemaker_jobs.gate.statistics import (
    Confidences,
    Difference,
    accuracy_and_f1,
    calibration,
    holm_rejections,
)
from shared.schemas.gate import Family, GateCheck, GateResult
from shared.schemas.sentiment import LABELS

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One comparison, before the level is applied to its family."""

    family: Family
    where: str
    measure: str
    rows: int
    difference: Difference
    tolerance: float

    @property
    def p(self) -> float:
        return self.difference.p(self.tolerance)


def judge(current: Evaluation, candidate: Evaluation, rules: Rules) -> GateResult:
    """Judge whether a candidate is significantly worse than the current model.

    Overall figures and slices get half of the level each; Holm's procedure keeps it for all
    comparisons of a family together.
    """
    reason = row_mismatch(current, candidate)
    if reason is not None:
        return _result(current, candidate, rules, [], [reason])
    if candidate.figures.method == "cross_validated":
        rules = rules.model_copy(update={"min_rows": rules.min_adaptation_rows})
    random = np.random.default_rng(rules.seed)
    overall = list(_compare_overall(current, candidate, rules, random))
    slices = list(_compare_slices(current, candidate, rules, random))
    checks = [
        *_apply_level(overall, rules.level / 2),
        *_apply_level(slices, rules.level / 2),
        *_compare_robustness(current, candidate, rules),
    ]
    reasons = [_describe(check) for check in checks if not check.passed]
    if not overall:
        reasons.append(f"no split has the {rules.min_rows} rows that a comparison needs")
    before, after = current.figures, candidate.figures
    untested = sorted(set(before.robustness) - set(after.robustness))
    untested += sorted(set(before.pass_rates) - set(after.pass_rates))
    reasons += [f"robustness: the candidate was not tested with {name}" for name in untested]
    return _result(current, candidate, rules, checks, reasons)


def _result(
    current: Evaluation,
    candidate: Evaluation,
    rules: Rules,
    checks: list[GateCheck],
    reasons: list[str],
) -> GateResult:
    return GateResult(
        candidate=candidate.figures.version,
        against=current.figures.version,
        passed=not reasons,
        reasons=reasons,
        checks=checks,
        level=rules.level,
        rows=len(candidate.keys),
        rows_sha256=candidate.rows_sha256,
        judged_at=datetime.now(UTC),
    )


def _compare_overall(
    current: Evaluation, candidate: Evaluation, rules: Rules, random: np.random.Generator
) -> Iterator[_Comparison]:
    for split in np.unique(current.splits).tolist():
        rows = current.splits == split
        count = int(rows.sum())
        if count < rules.min_rows:
            continue
        for measure, difference in _differences(current, candidate, rows, rules, random).items():
            yield _Comparison("overall", split, measure, count, difference, rules.tolerance)
        before, after = (_confidences(each, rows) for each in (current, candidate))
        difference = calibration(before, after, random)
        yield _Comparison("overall", split, "ece", count, difference, rules.calibration_tolerance)


def _compare_slices(
    current: Evaluation, candidate: Evaluation, rules: Rules, random: np.random.Generator
) -> Iterator[_Comparison]:
    """Every slice with enough rows, except one that is the whole split."""
    for split in np.unique(current.splits).tolist():
        inside = current.splits == split
        for where, rows in _slice_masks(current, inside):
            count = int((rows & inside).sum())
            if not rules.min_rows <= count < inside.sum():
                continue
            differences = _differences(current, candidate, rows & inside, rules, random)
            if where.startswith("sentiment="):
                differences.pop("macro_f1", None)  # with one label it adds nothing to accuracy
            for measure, difference in differences.items():
                yield _Comparison(
                    "slice",
                    f"{split}, {where}",
                    measure,
                    count,
                    difference,
                    rules.slice_tolerance,
                )


def _slice_masks(evaluation: Evaluation, inside: Mask) -> Iterator[tuple[str, Mask]]:
    for number, label in enumerate(LABELS):
        yield f"sentiment={label.value}", evaluation.labels == number
    for kind, values in evaluation.slices.items():
        for value in np.unique(values[inside]).tolist():
            if value:
                yield f"{kind}={value}", values == value


def _differences(
    current: Evaluation,
    candidate: Evaluation,
    rows: Mask,
    rules: Rules,
    random: np.random.Generator,
) -> dict[str, Difference]:
    before, after = current.predicted[rows], candidate.predicted[rows]
    return accuracy_and_f1(current.labels[rows], before, after, rules.replicates, random)


def _confidences(evaluation: Evaluation, rows: Mask) -> Confidences:
    predicted = evaluation.predicted[rows]
    confidences = np.take_along_axis(evaluation.probabilities[rows], predicted[:, None], axis=1)
    return Confidences(confidences[:, 0], predicted == evaluation.labels[rows])


def _apply_level(comparisons: list[_Comparison], level: float) -> list[GateCheck]:
    rejections = holm_rejections([each.p for each in comparisons], level)
    return [
        GateCheck(
            family=each.family,
            where=each.where,
            measure=each.measure,
            rows=each.rows,
            current=each.difference.current,
            candidate=each.difference.candidate,
            gain=each.difference.gain,
            tolerance=each.tolerance,
            noise=each.difference.noise,
            p=each.p,
            passed=not rejected,
        )
        for each, rejected in zip(comparisons, rejections, strict=True)
    ]


def _compare_robustness(
    current: Evaluation, candidate: Evaluation, rules: Rules
) -> Iterator[GateCheck]:
    """Each noise and kind of case that both were tested with, against its configured margin."""
    margins = {
        "macro_f1_drop": rules.noise_f1_tolerance,
        "accuracy_drop": rules.noise_accuracy_tolerance,
        "flip_rate": rules.flip_tolerance,
    }
    before, after = current.figures, candidate.figures
    for noise in sorted(set(before.robustness) & set(after.robustness)):
        for measure, margin in margins.items():
            old, new = (getattr(each.robustness[noise], measure) for each in (before, after))
            yield _check_margin(noise, measure, old, new, old - new, margin)
    for kind in sorted(set(before.pass_rates) & set(after.pass_rates)):
        old, new = before.pass_rates[kind], after.pass_rates[kind]
        yield _check_margin(kind, "pass_rate", old, new, new - old, rules.behaviour_tolerance)


def _check_margin(
    where: str, measure: str, current: float, candidate: float, gain: float, margin: float
) -> GateCheck:
    return GateCheck(
        family="robustness",
        where=where,
        measure=measure,
        current=current,
        candidate=candidate,
        gain=gain,
        tolerance=margin,
        passed=gain >= -margin,
    )


def _describe(check: GateCheck) -> str:
    change = f"{check.family} {check.where}: {check.measure} {check.current:.4f}"
    change += f" → {check.candidate:.4f}"
    if check.noise is None:
        return f"{change}, worse by more than {check.tolerance:g}"
    return f"{change}, worse by {-check.gain:.4f} ± {check.noise:.4f} (p {check.p:.1g})"
