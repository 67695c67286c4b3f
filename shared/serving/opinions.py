"""What pictures say by the fusion head of a model."""

from collections.abc import Callable, Iterable
from typing import cast

import numpy as np

from shared.runtime.decisions import Decided, decide
from shared.runtime.fusion import Floats, FusionHead
from shared.runtime.probabilities import softmax
from shared.schemas.fusion import Fusion
from shared.schemas.sentiment import LABELS, Sentiment, Side
from shared.serving.towers import Tower

Opinions = Callable[[Floats], list[Side | None]]
"""Vectors (n, d) of pictures to what each clearly says."""


def tower_problem(fusion: Fusion, tower: Tower) -> str | None:
    """Why a head cannot read the vectors of a picture tower; None if it can."""
    if fusion.picture_sha256 == tower.sha256:
        return None
    return (
        f"the fusion head reads pictures by {fusion.picture_model}, but {tower.version} is loaded:"
        " train it again with this picture model"
    )


def decide_pictures(head: FusionHead, fusion: Fusion, vectors: Floats) -> Decided:
    """The sentiments of pictures alone, by their vectors (n, d)."""
    return decide(fusion.picture, softmax(head.logits(None, vectors)))


def opinions_of(head: FusionHead, fusion: Fusion, vectors: Floats) -> list[Side | None]:
    """What pictures clearly say; None for one that is neutral, or of which the head is not sure."""
    decided = decide_pictures(head, fusion, np.asarray(vectors, np.float32))
    said = (LABELS[label] for label in decided.labels)
    return [
        cast("Side", each) if sure and each is not Sentiment.NEUTRAL else None
        for each, sure in zip(said, decided.sure, strict=True)
    ]


def agreed(said: Iterable[tuple[str, Side | None]]) -> dict[str, Side]:
    """What the pictures of each review say; nothing where they contradict each other.

    Args:
        said: the id of a review and what one of its pictures clearly says.
    """
    sides: dict[str, set[Side]] = {}
    for review_id, side in said:
        if side is not None:
            sides.setdefault(review_id, set()).add(side)
    return {review_id: found.pop() for review_id, found in sides.items() if len(found) == 1}
