"""The verdict: overall, slice by slice, and under noise."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from sagemaker_jobs.gate.config import Rules
from sagemaker_jobs.gate.evaluation import Evaluation
from sagemaker_jobs.gate.statistics import Difference, accuracy_and_f1, calibration, refused
from shared.schemas.gate import Family, GateCheck, GateResult
from shared.schemas.sentiment import LABELS

Mask = npt.NDArray[np.bool_]
Rows = Counter[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class _Measured:
    """One comparison before the families are judged."""

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
    """Say whether a candidate is not worse than the current model beyond the noise.

    Overall figures and slices each get half of the level, and within either Holm's procedure holds
    it for all comparisons together.
    """
    reason = _incomparable(current, candidate)
    if reason is not None:
        return _result(current, candidate, rules, [], [reason])
    random = np.random.default_rng(rules.seed)
    overall = list(_overall(current, candidate, rules, random))
    slices = list(_slices(current, candidate, rules, random))
    checks = [
        *_judged(overall, rules.level / 2),
        *_judged(slices, rules.level / 2),
        *_robustness(current, candidate, rules),
    ]
    reasons = [_reason(check) for check in checks if not check.passed]
    if not overall:
        reasons.append(f"no split has the {rules.min_rows} rows that a comparison takes")
    before, after = current.figures, candidate.figures
    untried = sorted(set(before.robustness) - set(after.robustness))
    untried += sorted(set(before.behaviour) - set(after.behaviour))
    reasons += [f"robustness: the candidate was not tried with {what}" for what in untried]
    return _result(current, candidate, rules, checks, reasons)


def _incomparable(current: Evaluation, candidate: Evaluation) -> str | None:
    if current.rows_sha256 == candidate.rows_sha256:
        return None
    ours, theirs = _rows_by_split(candidate), _rows_by_split(current)
    needed = ", ".join(f"{split} ({rows.total():,} rows)" for split, rows in theirs.items())
    found = [_difference(split, ours.get(split), theirs.get(split)) for split in ours | theirs]
    limit = f" --limit {current.figures.limit}" if current.figures.limit else ""
    name = candidate.figures.version
    return (
        f"the two were evaluated on other rows or labels: {current.figures.version} on {needed};"
        f" the evaluation of {name} {'; '.join(filter(None, found))}. Evaluate {name} on the same"
        f" files (sagemaker_jobs.evaluate --splits {','.join(theirs)}{limit}) and add that with"
        " `reviewlens models add MODEL --evaluation FOLDER`"
    )


def _rows_by_split(evaluation: Evaluation) -> dict[str, Rows]:
    """For each split its rows (text hash, label), and how often each is there."""
    found: dict[str, Rows] = {}
    columns = (evaluation.splits, evaluation.keys, evaluation.labels)
    for split, key, label in zip(*(column.tolist() for column in columns), strict=True):
        found.setdefault(split, Counter())[key, label] += 1
    return found


def _difference(split: str, ours: Rows | None, theirs: Rows | None) -> str | None:
    """What of a split is missing or too much; None where nothing is."""
    if ours is None:
        return f"has no {split}"
    if theirs is None:
        return f"has {split}, which the other lacks"
    if ours == theirs:
        return None
    common = (ours & theirs).total()
    return f"has {common:,} of those of {split} and {ours.total() - common:,} others"


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


def _overall(
    current: Evaluation, candidate: Evaluation, rules: Rules, random: np.random.Generator
) -> Iterator[_Measured]:
    for split in np.unique(current.splits).tolist():
        rows = current.splits == split
        if rows.sum() < rules.min_rows:
            continue
        for measure, found in _compared(current, candidate, rows, rules, random).items():
            yield _Measured("overall", split, measure, int(rows.sum()), found, rules.tolerance)
        sides = (current.probabilities[rows], candidate.probabilities[rows])
        found = calibration(current.labels[rows], *sides, random)
        yield _Measured(
            "overall", split, "ece", int(rows.sum()), found, rules.calibration_tolerance
        )


def _slices(
    current: Evaluation, candidate: Evaluation, rules: Rules, random: np.random.Generator
) -> Iterator[_Measured]:
    """Every slice with enough rows, but for one that is its whole split."""
    for split in np.unique(current.splits).tolist():
        inside = current.splits == split
        for where, rows in _parts(current, inside):
            count = int((rows & inside).sum())
            if not rules.min_rows <= count < inside.sum():
                continue
            found = _compared(current, candidate, rows & inside, rules, random)
            if where.startswith("sentiment="):
                found.pop("macro_f1", None)  # of rows of one label it says nothing of its own
            for measure, difference in found.items():
                yield _Measured(
                    "slice",
                    f"{split}, {where}",
                    measure,
                    count,
                    difference,
                    rules.slice_tolerance,
                )


def _parts(evaluation: Evaluation, inside: Mask) -> Iterator[tuple[str, Mask]]:
    for number, label in enumerate(LABELS):
        yield f"sentiment={label.value}", evaluation.labels == number
    for kind, values in evaluation.slices.items():
        for value in np.unique(values[inside]).tolist():
            if value:
                yield f"{kind}={value}", values == value


def _compared(
    current: Evaluation,
    candidate: Evaluation,
    rows: Mask,
    rules: Rules,
    random: np.random.Generator,
) -> dict[str, Difference]:
    before, after = (each.probabilities[rows].argmax(1) for each in (current, candidate))
    return accuracy_and_f1(current.labels[rows], before, after, rules.replicates, random)


def _judged(measured: list[_Measured], level: float) -> list[GateCheck]:
    fallen = refused([each.p for each in measured], level)
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
            passed=not fell,
        )
        for each, fell in zip(measured, fallen, strict=True)
    ]


def _robustness(current: Evaluation, candidate: Evaluation, rules: Rules) -> Iterator[GateCheck]:
    """What both were tried with, noise by noise and kind by kind: each has its stated margin."""
    margins = {
        "macro_f1_drop": rules.noise_f1_tolerance,
        "accuracy_drop": rules.noise_accuracy_tolerance,
        "flip_rate": rules.flip_tolerance,
    }
    before, after = current.figures, candidate.figures
    for noise in sorted(set(before.robustness) & set(after.robustness)):
        for measure, margin in margins.items():
            was, becomes = (getattr(each.robustness[noise], measure) for each in (before, after))
            yield _against_margin(noise, measure, was, becomes, was - becomes, margin)
    for kind in sorted(set(before.behaviour) & set(after.behaviour)):
        was, becomes = before.behaviour[kind].pass_rate, after.behaviour[kind].pass_rate
        yield _against_margin(
            kind, "pass_rate", was, becomes, becomes - was, rules.behaviour_tolerance
        )


def _against_margin(
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


def _reason(check: GateCheck) -> str:
    told = f"{check.family} {check.where}: {check.measure} {check.current:.4f}"
    told += f" → {check.candidate:.4f}"
    if check.noise is None:
        return f"{told}, worse by more than {check.tolerance:g}"
    return f"{told}, worse by {-check.gain:.4f} with a noise of {check.noise:.4f} (p {check.p:.1g})"
