"""The training of the projection by a contrastive loss, exactly resumable after each epoch."""

import copy
import logging
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sagemaker_jobs.distil.fit import rate_factor
from sagemaker_jobs.pictures.config import LearnConfig
from sagemaker_jobs.pictures.contrast import batches, contrastive_loss, equally_true
from sagemaker_jobs.pictures.dataset import Data, validate
from sagemaker_jobs.pictures.projection import Projection

log = logging.getLogger("pictures")
_MAX_SCALE = 100.0
_MAX_GRADIENT_NORM = 1.0
Weights = dict[str, Tensor]


class Learner:
    """The projection in training: with the same config and data, always the same steps.

    Validated and kept is the running mean of its weights (``average`` of the config).
    """

    def __init__(
        self, projection: Projection, first: dict[str, float], data: Data, config: LearnConfig
    ) -> None:
        self.projection, self._data, self._config = projection, data, config
        self._scale = nn.Parameter(torch.tensor(-math.log(config.temperature)))
        trained = [value for value in projection.parameters() if value.requires_grad]
        self._trained = [*trained, self._scale]
        self._optimizer = torch.optim.AdamW(
            [
                {"params": trained, "weight_decay": config.weight_decay},
                {"params": [self._scale], "weight_decay": 0.0},
            ],
            lr=config.learning_rate,
        )
        self._batches = math.ceil(len(data.train.types) / config.batch_size)
        self.epoch = 0
        self.history: list[dict[str, float]] = [first]
        self._mean = copy.deepcopy(projection).requires_grad_(False)
        self._best = self._copy()

    def run_epoch(self) -> None:
        """One pass over the products of training, and a validation."""
        config, train = self._config, self._data.train
        torch.manual_seed(config.seed * 100_003 + self.epoch)  # so that no state need be kept
        generator = np.random.default_rng([config.seed, self.epoch])
        losses = []
        self.projection.train()
        order = batches(
            train.types,
            size=config.batch_size,
            group_size=config.group_size,
            hard_share=config.hard_share,
            generator=generator,
        )
        for number, rows in enumerate(order):
            loss = self._loss(torch.from_numpy(rows), generator)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self._trained, _MAX_GRADIENT_NORM)
            step = self.epoch * self._batches + number
            rate = config.learning_rate * rate_factor(step, config.epochs * self._batches)
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            self._optimizer.step()
            self._take_into_mean(step)
            losses.append(float(loss.detach()))
        self.epoch += 1
        figures = {"loss": float(np.mean(losses)), **validate(self._mean, self._data)}
        if figures["score"] > max(entry["score"] for entry in self.history):
            self._best = self._copy()
        self.history.append(figures)
        log.info("epoch %d of %d: %s", self.epoch, config.epochs, figures)

    @torch.no_grad()
    def _take_into_mean(self, step: int) -> None:
        kept = min(self._config.average, (1 + step) / (10 + step))  # little of the first weights
        for mean, value in zip(self._mean.parameters(), self.projection.parameters(), strict=True):
            mean.lerp_(value, 1 - kept)

    def _loss(self, rows: Tensor, generator: np.random.Generator) -> Tensor:
        train, vectors = self._data.train, self._data.vectors
        views = torch.from_numpy(generator.integers(train.features.shape[1], size=len(rows)))
        pictures = self.projection(train.features[rows, views])
        own = train.texts[rows]
        wording = torch.from_numpy(generator.integers(1, own.shape[1], size=len(rows)))
        scale = self._scale.exp().clamp(max=_MAX_SCALE)
        weight = self._config.title_weight
        total = torch.zeros(())
        for chosen, share in (
            (own[:, 0], weight),
            (own[torch.arange(len(rows)), wording], 1 - weight),
        ):
            true = equally_true(own, chosen)
            total = total + share * contrastive_loss(pictures, vectors[chosen], scale, true)
        types = scale * pictures @ self._data.type_vectors.T
        return total + self._config.type_weight * cross_entropy(types, self._data.own_types[rows])

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are done, or the last ones were no better."""
        scores = [entry["score"] for entry in self.history]
        since_best = len(scores) - 1 - scores.index(max(scores))
        patience = self._config.patience
        return self.epoch >= self._config.epochs or 0 < patience <= since_best

    def use_best(self) -> dict[str, float]:
        """Set the weights of the best validation; returns its figures."""
        self.projection.load_state_dict(self._best)
        self.projection.eval()
        return max(self.history, key=lambda entry: entry["score"])

    def state(self) -> tuple[Weights, dict[str, Any]]:
        """Everything that a continued run needs."""
        tensors = {f"model.{k}": v.clone() for k, v in self.projection.state_dict().items()}
        tensors |= {f"mean.{name}": value for name, value in self._copy().items()}
        tensors |= {f"best.{name}": value for name, value in self._best.items()}
        tensors["scale"] = self._scale.detach().clone()
        for number, state in self._optimizer.state_dict()["state"].items():
            tensors |= {f"state.{number}.{name}": value for name, value in state.items()}
        return tensors, {"epoch": self.epoch, "history": self.history}

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Continue after the epoch of a state."""
        self.projection.load_state_dict(_part(tensors, "model."))
        self._mean.load_state_dict(_part(tensors, "mean."))
        self._best = _part(tensors, "best.")
        self._scale.copy_(tensors["scale"])
        saved = self._optimizer.state_dict()
        for name, value in _part(tensors, "state.").items():
            number, field = name.split(".")
            saved["state"].setdefault(int(number), {})[field] = value
        self._optimizer.load_state_dict(saved)
        self.epoch, self.history = state["epoch"], state["history"]
        log.info("continues after epoch %d", self.epoch)

    def _copy(self) -> Weights:
        return {name: value.clone() for name, value in self._mean.state_dict().items()}


def _part(tensors: Mapping[str, Tensor], prefix: str) -> Weights:
    """The tensors with a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
