"""Fits the rule of one kind: every group weighs the same, however many rows it has."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from sagemaker_jobs.decide.config import DecideConfig
from sagemaker_jobs.decide.groups import Group
from sagemaker_jobs.evaluate.calibration import accuracy_curve
from sagemaker_jobs.evaluate.metrics import CLASSES, Floats, Ints, scores
from shared.runtime.decisions import NEGATIVE, NEUTRAL, calibrate, decide
from shared.schemas.decisions import Kind, Rule

FACTORS = np.geomspace(0.5, 8, 97).round(3)
THRESHOLDS = np.arange(0.34, 1, 0.005).round(3)
_TEMPERATURES = (0.3, 4.0)
_BIASES = (-3.0, 3.0)
_GOLDEN = (5**0.5 - 1) / 2
_STEPS = 24
_ROUNDS = 6
"""Rounds in which temperature and biases are fitted in turns."""
_TINY = 1e-12


def fit(groups: Sequence[Group], config: DecideConfig) -> Rule:
    """The rule for groups of one kind, at least one.

    The temperature, and of reviews the biases, minimise the mean log loss of natural groups. The
    factor for neutral maximises the mean macro-F1 among those that cost at most ``max_loss`` of the
    accuracy on natural groups. ``sure_above`` is the lowest threshold with the required accuracy on
    the mean of the groups of unseen sources, or of all if there are none.
    """
    rule = Rule(
        **_calibration([group for group in groups if group.natural] or groups),
        sure_above=None,
        sure_accuracy=config.accuracy(groups[0].kind),
    )
    calibrated = [calibrate(group.probabilities, rule) for group in groups]
    factor = _best_factor(groups, calibrated, config.max_loss)
    rule = rule.model_copy(update={"neutral_factor": factor})
    unseen = [group for group in groups if not group.seen] or groups
    return rule.model_copy(update={"sure_above": _sure_above(unseen, rule, config)})


def _calibration(groups: Sequence[Group]) -> dict[str, float]:
    """Temperature and biases with the least log loss; sentences have no biases.

    How often sentences are negative says only how a data set was chosen; the stars of reviews have
    their natural frequencies.
    """
    logits = [np.log(np.maximum(group.probabilities, _TINY).astype(np.float64)) for group in groups]

    def loss(log_temperature: float, negative: float, neutral: float) -> float:
        total = 0.0
        for group, values in zip(groups, logits, strict=True):
            scaled = values / np.exp(log_temperature)
            scaled[:, NEGATIVE] += negative
            scaled[:, NEUTRAL] += neutral
            scaled -= scaled.max(-1, keepdims=True)
            chosen = np.take_along_axis(scaled, group.labels[:, None], axis=1)[:, 0]
            total += float((np.log(np.exp(scaled).sum(-1)) - chosen).mean())
        return total / len(groups)

    temperatures = float(np.log(_TEMPERATURES[0])), float(np.log(_TEMPERATURES[1]))
    negative = neutral = 0.0
    temperature = _least(partial(loss, negative=0.0, neutral=0.0), *temperatures)
    if groups[0].kind is Kind.REVIEW:
        for _ in range(_ROUNDS):
            negative = _least(partial(loss, temperature, neutral=neutral), *_BIASES)
            neutral = _least(partial(loss, temperature, negative), *_BIASES)
            temperature = _least(partial(loss, negative=negative, neutral=neutral), *temperatures)
    return {
        "temperature": round(float(np.exp(temperature)), 3),
        "negative_bias": round(negative, 3),
        "neutral_bias": round(neutral, 3),
    }


def _least(loss: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one minimum is least: golden-section search."""
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
    return (low + high) / 2


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
