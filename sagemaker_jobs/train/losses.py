"""Two tasks in one loss: sentiment, and similarity to the base encoder."""

from torch import Tensor, nn

from sagemaker_jobs.train.config import TrainConfig
from sagemaker_jobs.train.data import LABELS
from sagemaker_jobs.train.distributed import World


def class_weights(labels: Tensor, config: TrainConfig) -> Tensor | None:
    """Weights (3,) that balance the sentiments; None if all rows count equally.

    Args:
        labels: (n,) int64 of all training rows.
        config: Selects balanced weights or none.
    """
    if config.class_weights != "balanced":
        return None
    counts = labels.bincount(minlength=len(LABELS)).clamp(min=1)
    return len(labels) / (len(LABELS) * counts.float())


class BatchLoss:
    """The loss of a batch that is divided among processes.

    Each process computes its rows' part of the loss of the whole batch, so the gradients of the
    parts add up to those of a single process.
    """

    def __init__(self, config: TrainConfig, world: World, weights: Tensor | None) -> None:
        self._config, self._world, self._weights = config, world, weights

    def sentiment(self, logits: Tensor, labels: Tensor, batch_labels: Tensor) -> Tensor:
        """Cross-entropy of own logits (m, 3), weighted mean over the batch's n labels."""
        total = nn.functional.cross_entropy(
            logits,
            labels,
            weight=self._weights,
            label_smoothing=self._config.label_smoothing,
            reduction="sum",
        )
        weights = self._weights
        return total / (len(batch_labels) if weights is None else weights[batch_labels].sum())

    def similarity(
        self, own: Tensor, own_teacher: Tensor, teacher: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Two terms: distance of own embeddings, and similarities within the whole batch.

        The first term is a part to be summed over the processes. The second is complete in each
        process, with gradients for its own rows.

        Args:
            own: (m, d) unit embeddings.
            own_teacher: (m, d) embeddings of the same rows by the teacher.
            teacher: (n, d) embeddings of the batch by the teacher.
        """
        config, world = self._config, self._world
        cosine = (1 - (own * own_teacher).sum(-1)).sum() / len(teacher)
        student = own
        if world.size > 1:
            student = world.gather_rows(own, len(teacher))
            student[world.rank :: world.size] = own
        matrix = nn.functional.mse_loss(student @ student.T, teacher @ teacher.T)
        return config.cosine_weight * cosine, config.similarity_weight * matrix
