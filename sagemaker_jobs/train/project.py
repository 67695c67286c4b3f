"""The embedding projection in closed form, once the encoder is trained."""

import torch
from torch import Tensor

from sagemaker_jobs.train.model import ReviewEncoder

RIDGE = 1e-3


def fit_projection(pooled: Tensor, target: Tensor) -> Tensor:
    """Find the linear map that takes pooled vectors closest to the base embeddings.

    Ridge regression on directions, so a few thousand texts settle it in a moment; it gives back
    most of the neighbourhood that fine-tuning moved.

    Args:
        pooled: (n, d) pooled vectors of the trained encoder.
        target: (n, d) unit embeddings of the base encoder for the same texts.

    Returns:
        W of shape (d, d), to be used as ``normalise(W p)``.
    """
    directions = torch.nn.functional.normalize(pooled.double(), dim=-1)
    gram = directions.T @ directions / len(directions)
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    moments = directions.T @ target.double() / len(directions)
    return torch.linalg.solve(gram, moments).T.float().contiguous()


@torch.no_grad()
def refit_projection(model: ReviewEncoder, pooled: Tensor, target: Tensor) -> float:
    """Put the closed-form map into the model; returns the mean cosine to the base embeddings."""
    model.projection.weight.copy_(fit_projection(pooled, target))
    found = torch.nn.functional.normalize(model.projection(pooled), dim=-1)
    return float((found * target).sum(-1).mean())
