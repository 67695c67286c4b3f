"""Batches with hard negatives, and the symmetric contrastive loss."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

Ints = npt.NDArray[np.int64]


def batches(
    types: Sequence[str],
    *,
    size: int,
    group_size: int,
    hard_share: float,
    generator: np.random.Generator,
) -> Iterator[Ints]:
    """Batches of all rows once; some rows stand beside others of the same type.

    Args:
        types: The type of each row.
        size: Rows of a batch; only the last one may have fewer.
        group_size: Rows of one type that stay together.
        hard_share: Share of the rows in such groups; the others stand alone.
        generator: Determines the order.
    """
    order = generator.permutation(len(types))
    hard = round(hard_share * len(order))
    by_type: dict[str, list[int]] = {}
    for row in order[:hard].tolist():
        by_type.setdefault(types[row], []).append(row)
    groups = [
        rows[start : start + group_size]
        for rows in by_type.values()
        for start in range(0, len(rows), group_size)
    ]
    groups += [[row] for row in order[hard:].tolist()]
    shuffled = [groups[place] for place in generator.permutation(len(groups))]
    rows = np.array([row for group in shuffled for row in group], np.int64)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def equally_true(own: Tensor, chosen: Tensor) -> Tensor:
    """Which texts of a batch are also true of other products, (b, b) bool.

    Args:
        own: (b, c) numbers of all texts of each product.
        chosen: (b,) number of the text that each product has in this batch.
    """
    return (own[:, :, None] == chosen).any(1)


def contrastive_loss(pictures: Tensor, texts: Tensor, scale: Tensor, true: Tensor) -> Tensor:
    """Cross-entropy of finding the text of each picture, and the picture of each text.

    Args:
        pictures: (b, e) unit vectors.
        texts: (b, e) unit vectors of their texts, in the same order.
        scale: The inverse temperature.
        true: (b, b), from ``equally_true``: these texts are no negatives of these pictures.
    """
    logits = scale * pictures @ texts.T
    own = torch.eye(len(logits), dtype=torch.bool)
    logits = logits.masked_fill(true & ~own, float("-inf"))
    target = torch.arange(len(logits))
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2
