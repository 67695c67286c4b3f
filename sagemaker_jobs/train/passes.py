"""Forward passes over many texts, and what they say of a model in training."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.distributed import World
from sagemaker_jobs.train.model import ReviewEncoder

_BATCH = 32


class Held(NamedTuple):
    """Validation texts: token ids as served, and labels (n,) int64."""

    ids: list[list[int]]
    labels: Tensor


@torch.no_grad()
def deep_outputs(
    model: ReviewEncoder, ids: Sequence[Sequence[int]], world: World, *, exact: bool = False
) -> tuple[Tensor, Tensor]:
    """Pooled vectors (n, d) and deep logits (n, 3) of texts, on the CPU.

    Args:
        model: Left in eval mode, and where it was.
        ids: Token ids of n texts, at least one.
        world: Where to compute; each process that calls this passes over all texts.
        exact: float32, whatever the training passes use.
    """
    home = next(model.parameters()).device
    model.eval().to(world.device)

    def encode(ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        outputs = model.deep(ids.to(world.device), mask.to(world.device))
        return tuple(output.float().cpu() for output in outputs)

    with world.autocast(exact=exact):
        pooled, logits = reviews.over_batches(ids, _BATCH, encode)
    model.to(home)
    return pooled, logits


def shared_outputs(
    model: ReviewEncoder, ids: Sequence[Sequence[int]], world: World
) -> tuple[Tensor, Tensor]:
    """What deep_outputs gives, each process passing over its part; all must call it."""
    own = world.part(ids)
    pooled, logits = deep_outputs(model, own or ids[:1], world)
    pooled, logits = pooled[: len(own)], logits[: len(own)]
    return world.whole(pooled, len(ids)), world.whole(logits, len(ids))


def validate(model: ReviewEncoder, held: Held, world: World) -> dict[str, float]:
    """Macro-F1, accuracy and log loss of the deep part on validation; the same in each process.

    Macro-F1 is the mean over the sentiments that validation has.
    """
    _, logits = shared_outputs(model, held.ids, world)
    found = logits.argmax(-1)
    present = sorted(set(held.labels.tolist()))
    macro_f1 = f1_score(held.labels, found, average="macro", labels=present, zero_division=0)
    return {
        "validation_macro_f1": round(float(macro_f1), 5),
        "validation_accuracy": round((found == held.labels).float().mean().item(), 5),
        "validation_loss": round(nn.functional.cross_entropy(logits, held.labels).item(), 5),
    }
