"""Fits the embedding projection in closed form after the training."""

import torch
from torch import Tensor

from sagemaker_jobs.train.encoder import ReviewEncoder

RIDGE = 1e-3


def fit_projection(pooled: Tensor, target: Tensor) -> Tensor:
    """Fit the linear map from pooled vectors to the base embeddings.

    Ridge regression on directions: a few thousand texts suffice, it takes a moment, and it restores
    most of the neighbourhoods that fine-tuning changed.

    Args:
        pooled: (n, d) pooled vectors of the trained encoder.
        target: (n, d) unit embeddings of the base encoder for the same texts.

    Returns:
        W of shape (d, d), applied as ``normalise(W p)``.
    """
    directions = torch.nn.functional.normalize(pooled.double(), dim=-1)
    gram = directions.T @ directions / len(directions)
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    moments = directions.T @ target.double() / len(directions)
    return torch.linalg.solve(gram, moments).T.float().contiguous()


@torch.no_grad()
def refit_projection(model: ReviewEncoder, pooled: Tensor, target: Tensor) -> float:
    """Set the fitted map in the model; returns the mean cosine to the base embeddings."""
    model.projection.weight.copy_(fit_projection(pooled, target))
    embeddings = torch.nn.functional.normalize(model.projection(pooled), dim=-1)
    return float((embeddings * target).sum(-1).mean())
