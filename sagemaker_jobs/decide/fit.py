"""Fits the rule of one kind: every group weighs the same, however many rows it has."""

from collections.abc import Sequence

import numpy as np

from sagemaker_jobs.decide.config import DecideConfig
from sagemaker_jobs.decide.groups import Group
from sagemaker_jobs.evaluate.calibration import accuracy_curve
from sagemaker_jobs.evaluate.metrics import CLASSES, Floats, Ints, scores
from shared.runtime.decisions import NEUTRAL, decide, temper
from shared.schemas.decisions import Rule

FACTORS = np.geomspace(0.5, 8, 97).round(3)
THRESHOLDS = np.arange(0.34, 1, 0.005).round(3)
_TEMPERATURES = (0.3, 4.0)
_GOLDEN = (5**0.5 - 1) / 2
_STEPS = 24
_TINY = 1e-12


def fit(groups: Sequence[Group], config: DecideConfig) -> Rule:
    """The rule for groups of one kind, at least one.

    The temperature minimises the mean log loss. The factor for neutral maximises the mean macro-F1
    among those that cost at most ``max_loss`` of the accuracy on natural groups. ``sure_above`` is
    the lowest threshold with the required accuracy on the mean of the groups.
    """
    temperature = round(_best_temperature(groups), 3)
    tempered = [temper(group.probabilities, temperature) for group in groups]
    factor = _best_factor(groups, tempered, config.max_loss)
    rule = Rule(
        neutral_factor=factor,
        temperature=temperature,
        sure_above=None,
        sure_accuracy=config.accuracy(groups[0].kind),
    )
    return rule.model_copy(update={"sure_above": _sure_above(groups, rule, config)})


def _best_temperature(groups: Sequence[Group]) -> float:
    """Golden-section search: the loss has one minimum over the logarithm of the temperature."""
    logits = [np.log(np.maximum(group.probabilities, _TINY).astype(np.float64)) for group in groups]

    def loss(log_temperature: float) -> float:
        total = 0.0
        for group, values in zip(groups, logits, strict=True):
            scaled = values / np.exp(log_temperature)
            scaled -= scaled.max(-1, keepdims=True)
            chosen = np.take_along_axis(scaled, group.labels[:, None], axis=1)[:, 0]
            total += float((np.log(np.exp(scaled).sum(-1)) - chosen).mean())
        return total / len(groups)

    low, high = np.log(_TEMPERATURES)
    first, second = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    before, after = loss(first), loss(second)
    for _ in range(_STEPS):
        if before < after:
            high, second, after = second, first, before
            first = high - _GOLDEN * (high - low)
            before = loss(first)
        else:
            low, first, before = first, second, after
            second = low + _GOLDEN * (high - low)
            after = loss(second)
    return float(np.exp((low + high) / 2))


def confusions(probabilities: Floats, labels: Ints) -> Ints:
    """Confusion matrices (factors, 3, 3) of the labels that each of FACTORS chooses.

    A row becomes neutral at the factor that makes neutral as probable as the larger of the others.
    """
    negative, neutral, positive = probabilities.T.astype(np.float64)
    others = np.where(negative >= positive, 0, 2)
    ratios = np.maximum(negative, positive) / np.maximum(neutral, _TINY)
    first = np.searchsorted(FACTORS, ratios, side="right")
    cells = (labels * CLASSES + others) * (len(FACTORS) + 1) + first
    counts = np.bincount(cells, minlength=CLASSES**2 * (len(FACTORS) + 1))
    becoming = counts.reshape(CLASSES, CLASSES, -1)[:, :, :-1].cumsum(-1)
    totals = counts.reshape(CLASSES, CLASSES, -1).sum(-1)
    result: Ints = np.moveaxis(totals[:, :, None] - becoming, -1, 0)
    result[:, :, NEUTRAL] += becoming.sum(1).T
    return result


def _best_factor(groups: Sequence[Group], tempered: Sequence[Floats], max_loss: float) -> float:
    curves = [
        scores(confusions(each, group.labels)) for group, each in zip(groups, tempered, strict=True)
    ]
    natural = [group.natural for group in groups]
    if not any(natural):
        natural = [True] * len(groups)
    accuracies = [
        curve["accuracy"] for curve, counts in zip(curves, natural, strict=True) if counts
    ]
    accuracy = np.mean(accuracies, axis=0)
    macro_f1 = np.mean([curve["macro_f1"] for curve in curves], axis=0)
    one = int(np.argmin(np.abs(FACTORS - 1)))
    allowed = accuracy >= accuracy[one] - max_loss
    # the factor nearest to 1 among equals
    order = np.lexsort((np.abs(np.log(FACTORS)), -macro_f1.round(12), ~allowed))
    return float(FACTORS[order[0]])


def _sure_above(groups: Sequence[Group], rule: Rule, config: DecideConfig) -> float | None:
    """The lowest of THRESHOLDS with the required accuracy; at least half of the groups count."""
    accuracies = []
    for group in groups:
        confidences, answered, right = accuracy_curve(
            decide(rule, group.probabilities), group.labels
        )
        # confidences fall: the last place that is still at or above each threshold
        places = np.searchsorted(-confidences, -THRESHOLDS.astype(np.float32), side="right") - 1
        counted = (places >= 0) & (answered[places] >= config.min_sure_rows)
        accuracies.append(np.where(counted, right[places] / answered[places], np.nan))
    table = np.array(accuracies)
    counts = (~np.isnan(table)).sum(0)
    means = np.nansum(table, axis=0) / np.maximum(counts, 1)
    good = np.flatnonzero((means >= rule.sure_accuracy) & (2 * counts >= len(groups)))
    return float(THRESHOLDS[good[0]]) if len(good) else None
