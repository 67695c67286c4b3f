"""Learns a head from rows with both sides; strengths and gate come from folds within them."""

from typing import NamedTuple

from sagemaker_jobs.evaluate.metrics import Floats, Ints
from sagemaker_jobs.fusion.config import FusionConfig
from sagemaker_jobs.fusion.fit import choose, fit_head, fit_side
from shared.runtime.fusion import FusionHead


class Learned(NamedTuple):
    """A head, and the strengths of its sides."""

    head: FusionHead
    text_strength: float
    picture_strength: float


def learn(
    text: Floats, picture: Floats, labels: Ints, folds: Ints, config: FusionConfig
) -> Learned:
    """Fit both sides, then the gate to what they say of rows that they were not fitted to.

    Args:
        text: features of the texts (n, d).
        picture: vectors of the pictures (n, e).
        labels: (n,).
        folds: parts of these rows, (n,).
        config: strengths to try, and the dropout.
    """
    text_strength, text_scores = choose(text, labels, folds, config.strengths)
    picture_strength, picture_scores = choose(picture, labels, folds, config.strengths)
    (text_side,) = fit_side(text, labels, [text_strength])
    (picture_side,) = fit_side(picture, labels, [picture_strength])
    scores = text_scores, picture_scores
    head = fit_head((text_side, picture_side), scores, labels, config.dropout)
    return Learned(head, text_strength, picture_strength)
