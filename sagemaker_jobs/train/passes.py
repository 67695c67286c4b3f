"""Forward passes over many texts, and validation of a model in training."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.distributed import World
from sagemaker_jobs.train.encoder import ReviewEncoder

_BATCH = 32


class ValidationSet(NamedTuple):
    """Validation texts: token ids as served, and labels (n,) int64."""

    ids: list[list[int]]
    labels: Tensor


@torch.no_grad()
def deep_outputs(
    model: ReviewEncoder, ids: Sequence[Sequence[int]], world: World, *, exact: bool = False
) -> tuple[Tensor, Tensor]:
    """Pooled vectors (n, d) and deep logits (n, 3) of texts, on the CPU.

    Args:
        model: Put into eval mode; stays on its device.
        ids: Token ids of n texts, at least one.
        world: Device and precision; each calling process encodes all texts.
        exact: Use float32 regardless of the training precision.
    """
    device = next(model.parameters()).device
    model.eval().to(world.device)

    def encode(ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        outputs = model.deep(ids.to(world.device), mask.to(world.device))
        return tuple(output.float().cpu() for output in outputs)

    with world.autocast(exact=exact):
        pooled, logits = reviews.map_batches(ids, _BATCH, encode)
    model.to(device)
    return pooled, logits


def shared_outputs(
    model: ReviewEncoder, ids: Sequence[Sequence[int]], world: World
) -> tuple[Tensor, Tensor]:
    """deep_outputs with the texts divided among the processes; every process must call it."""
    own = world.local_part(ids)
    pooled, logits = deep_outputs(model, own or ids[:1], world)
    pooled, logits = pooled[: len(own)], logits[: len(own)]
    return world.gather_rows(pooled, len(ids)), world.gather_rows(logits, len(ids))


def validate(model: ReviewEncoder, validation: ValidationSet, world: World) -> dict[str, float]:
    """Macro-F1, accuracy and log loss of the deep part on validation; the same in each process.

    Macro-F1 is the mean over the sentiments present in validation.
    """
    _, logits = shared_outputs(model, validation.ids, world)
    predicted = logits.argmax(-1)
    present = sorted(set(validation.labels.tolist()))
    macro_f1 = f1_score(
        validation.labels, predicted, average="macro", labels=present, zero_division=0
    )
    return {
        "validation_macro_f1": round(float(macro_f1), 5),
        "validation_accuracy": round((predicted == validation.labels).float().mean().item(), 5),
        "validation_loss": round(nn.functional.cross_entropy(logits, validation.labels).item(), 5),
    }
