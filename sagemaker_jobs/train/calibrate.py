"""Calibration on validation: one bias per class and one temperature, folded into the head."""

import torch
from torch import Tensor, nn

from sagemaker_jobs.train.model import ReviewEncoder


def fit_bias_and_temperature(logits: Tensor, labels: Tensor) -> tuple[Tensor, float]:
    """Find b and T that minimise the log loss of softmax((logits + b) / T).

    The bias undoes the class balance of training towards the natural mix of validation.

    Args:
        logits: (n, 3) float32.
        labels: (n,) int64.

    Returns:
        b of shape (3,) with mean 0, and T > 0.
    """
    bias = torch.zeros(logits.shape[1], requires_grad=True)
    log_temperature = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [bias, log_temperature], max_iter=200, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy((logits + bias) / log_temperature.exp(), labels)
        loss.backward()
        return loss

    optimizer.step(closure)
    return (bias - bias.mean()).detach(), float(log_temperature.detach().exp())


@torch.no_grad()
def fold_into_head(model: ReviewEncoder, bias: Tensor, temperature: float) -> None:
    """Change the head's last layer so that it gives calibrated logits by itself."""
    last = model.head[-1]
    last.bias.copy_((last.bias + bias) / temperature)
    last.weight.div_(temperature)
