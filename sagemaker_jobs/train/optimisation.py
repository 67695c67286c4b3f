"""AdamW with a learning rate that warms up, then falls to zero."""

from typing import Any

import torch
from torch import Tensor, nn

from sagemaker_jobs.train.config import TrainConfig
from sagemaker_jobs.train.encoder import ReviewEncoder

_MAX_GRADIENT_NORM = 1.0


class Optimisation:
    """Optimizer and schedule of the trained parameters."""

    def __init__(self, model: ReviewEncoder, config: TrainConfig, steps: int) -> None:
        self._named = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self._optimizer = torch.optim.AdamW(
            [_group(name, parameter, config) for name, parameter in self._named.items()],
            fused=True,
        )
        warmup = int(steps * config.warmup_share)

        def scale(step: int) -> float:
            if step < warmup:
                return (step + 1) / (warmup + 1)
            return max(0.0, (steps - step) / max(1, steps - warmup))

        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, scale)

    def step(self) -> None:
        """Apply the accumulated gradients, then clear them."""
        nn.utils.clip_grad_norm_(list(self._named.values()), _MAX_GRADIENT_NORM)
        self._optimizer.step()
        self._schedule.step()
        self._optimizer.zero_grad()

    def tensors(self) -> dict[str, Tensor]:
        """The optimizer's state as ``optimizer.<field>/<parameter>``."""
        return {
            f"optimizer.{field}/{name}": tensor
            for name, parameter in self._named.items()
            for field, tensor in self._optimizer.state[parameter].items()
        }

    def schedule_state(self) -> dict[str, Any]:
        """State of the schedule; JSON."""
        state: dict[str, Any] = self._schedule.state_dict()
        return state

    def restore(self, tensors: dict[str, Tensor], schedule: dict[str, Any]) -> None:
        """Restore the values of ``tensors`` and ``schedule_state``."""
        order = {name: index for index, name in enumerate(self._named)}
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            if key.startswith("optimizer."):
                field, name = key.removeprefix("optimizer.").split("/", 1)
                state.setdefault(order[name], {})[field] = tensor
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})
        self._schedule.load_state_dict(schedule)
        for group, rate in zip(self._optimizer.param_groups, schedule["_last_lr"], strict=True):
            group["lr"] = rate


def _group(name: str, parameter: nn.Parameter, config: TrainConfig) -> dict[str, object]:
    """The head learns faster than the encoder; vectors (biases, norms) do not decay."""
    rate = config.learning_rate if name.startswith("encoder.") else config.head_learning_rate
    decay = config.weight_decay if parameter.ndim > 1 else 0.0
    return {"params": [parameter], "lr": rate, "weight_decay": decay}
