"""Decides the labels of texts: the one place where probabilities become sentiments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.schemas.decisions import Decisions, Kind, Rule
from shared.schemas.sentiment import LABELS, Sentiment

Floats = npt.NDArray[np.float32]
NEGATIVE, NEUTRAL = LABELS.index(Sentiment.NEGATIVE), LABELS.index(Sentiment.NEUTRAL)
"""Indices in LABELS."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The decisions for n texts.

    ``probabilities`` (n, 3) sum to one. ``labels`` (n) are indices of LABELS, ``confidences`` (n)
    the probabilities of these labels, ``sure`` (n) whether they are high enough to be relied on.
    """

    probabilities: Floats
    labels: npt.NDArray[np.int64]
    confidences: Floats
    sure: npt.NDArray[np.bool_]

    @property
    def sentiments(self) -> list[str]:
        """The labels by name."""
        return [LABELS[label].value for label in self.labels]

    def take(self, rows: npt.NDArray[Any]) -> "Decided":
        """The decisions for some of the texts, by a mask or by indices."""
        return Decided(
            self.probabilities[rows], self.labels[rows], self.confidences[rows], self.sure[rows]
        )


def decide(rule: Rule, probabilities: npt.ArrayLike) -> Decided:
    """Decide the labels of n texts of one kind.

    Args:
        rule: for the kind of the texts.
        probabilities: (n, 3), as the model gives them.
    """
    return decide_reported(rule, calibrate(np.asarray(probabilities, np.float32), rule))


def decide_reported(rule: Rule, served: Floats) -> Decided:
    """Decide the labels of n texts from the probabilities (n, 3) that the rule reports for them."""
    labels = choose(served, rule.neutral_factor)
    confidences = np.take_along_axis(served, labels[:, None], axis=1)[:, 0]
    sure = np.zeros(len(labels), np.bool_)
    if rule.sure_above is not None:
        sure = confidences >= np.float32(rule.sure_above)
    return Decided(served, labels, confidences, sure)


def decide_each(
    decisions: Decisions, kinds: Sequence[Kind], probabilities: npt.ArrayLike
) -> Decided:
    """Decide the labels of n texts, each by the rule for its kind."""
    rows = np.asarray(probabilities, np.float32)
    of_review = np.array([kind is Kind.REVIEW for kind in kinds], np.bool_)[:, None]
    as_review, as_sentence = (decide(decisions.rule(kind), rows) for kind in Kind)

    def pick(name: str) -> Any:
        first, second = getattr(as_review, name), getattr(as_sentence, name)
        return np.where(of_review if first.ndim > 1 else of_review[:, 0], first, second)

    return Decided(*map(pick, ("probabilities", "labels", "confidences", "sure")))


def choose(probabilities: npt.NDArray[np.floating[Any]], factor: float) -> npt.NDArray[np.int64]:
    """The most probable labels (n) if p(neutral) is multiplied by a factor."""
    factors = np.ones(len(LABELS), probabilities.dtype)
    factors[NEUTRAL] = factor
    labels: npt.NDArray[np.int64] = (probabilities * factors).argmax(-1)
    return labels


def calibrate(probabilities: Floats, rule: Rule) -> Floats:
    """The probabilities (n, 3) that a rule reports for those of a model."""
    return _scale(probabilities, 1 / rule.temperature, rule.negative_bias, rule.neutral_bias)


def uncalibrate(probabilities: Floats, rule: Rule) -> Floats:
    """The probabilities (n, 3) of a model from those that a rule reports."""
    factor = rule.temperature
    biases = -rule.negative_bias * factor, -rule.neutral_bias * factor
    return _scale(probabilities, factor, *biases)


def model_logits(probabilities: Floats, rule: Rule) -> Floats:
    """The logits (n, 3) of a model, but for a constant in each row, from what a rule reports."""
    logits = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny), dtype=np.float64)
    logits[:, NEGATIVE] -= rule.negative_bias
    logits[:, NEUTRAL] -= rule.neutral_bias
    result: Floats = (logits * rule.temperature).astype(np.float32)
    return result


def _scale(probabilities: Floats, factor: float, negative: float, neutral: float) -> Floats:
    """Multiply the logits, then add to those of negative and neutral; 1, 0, 0 change nothing."""
    if (factor, negative, neutral) == (1.0, 0.0, 0.0):
        return probabilities
    powers = probabilities.astype(np.float64) ** factor
    powers[:, NEGATIVE] *= np.exp(negative)
    powers[:, NEUTRAL] *= np.exp(neutral)
    scaled: Floats = (powers / powers.sum(-1, keepdims=True)).astype(np.float32)
    return scaled
