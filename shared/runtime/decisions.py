"""Decides the labels of texts: the one place where probabilities become sentiments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.schemas.decisions import Decisions, Kind, Rule
from shared.schemas.sentiment import LABELS, Sentiment

Floats = npt.NDArray[np.float32]
NEUTRAL = LABELS.index(Sentiment.NEUTRAL)
"""Index of neutral in LABELS."""


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
    served = temper(np.asarray(probabilities, np.float32), rule.temperature)
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


def temper(probabilities: Floats, temperature: float) -> Floats:
    """The probabilities if the logits had been divided by a temperature; 1 changes nothing."""
    if temperature == 1.0:
        return probabilities
    powers = probabilities.astype(np.float64) ** (1 / temperature)
    tempered: Floats = (powers / powers.sum(-1, keepdims=True)).astype(np.float32)
    return tempered
