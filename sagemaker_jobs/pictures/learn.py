"""Learns the projection: a ridge regression first, then a symmetric contrastive loss."""

import json
import logging
import math
import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sagemaker_jobs.distil.fit import rate_factor
from sagemaker_jobs.pictures import captions, features
from sagemaker_jobs.pictures.config import LearnConfig
from sagemaker_jobs.pictures.contrast import batches, contrastive_loss, equally_true
from sagemaker_jobs.pictures.figures import retrieval_hits, title_scores, validation_score
from sagemaker_jobs.pictures.products import load_products, rows_of
from sagemaker_jobs.pictures.projection import Projection, Ridge, save_projection
from sagemaker_jobs.train.checkpoint import latest, require_same_run, save
from sagemaker_jobs.train.record import git_commit

log = logging.getLogger("pictures")
RECORD = "learn.json"
_CHECKPOINTS = "checkpoints"
_MAX_SCALE = 100.0
_MAX_GRADIENT_NORM = 1.0
_NOT_IDENTIFYING = {"features_dir", "captions_dir", "output_dir", "threads", "checkpoint_epochs"}
Weights = dict[str, Tensor]


class Split(NamedTuple):
    """Products of a split: features (n, v, d), texts (n, 1 + c) with the title first, types."""

    features: Tensor
    texts: Tensor
    types: list[str]


class Data(NamedTuple):
    """Vectors (t, e) of all texts, and the two splits that learning reads."""

    vectors: Tensor
    train: Split
    validation: Split


def read_data(config: LearnConfig) -> Data:
    """The products of training and validation.

    Raises:
        ValueError: one of them has no product.
    """
    products = load_products(config.features_dir / features.PRODUCTS)
    values = features.load_features(config.features_dir)
    texts = captions.load_texts(config.captions_dir)
    numbers = np.concatenate([texts.titles[:, None], texts.captions], 1)
    splits = []
    for name in ("train", "validation"):
        rows = rows_of(products, name)
        if len(rows) < 2:  # noqa: PLR2004 - a contrast needs two
            raise ValueError(f"features_dir: the split {name} has {len(rows)} products of 2")
        splits.append(
            Split(
                torch.from_numpy(values[rows].astype(np.float32)),
                torch.from_numpy(numbers[rows]),
                [products[row].type for row in rows],
            )
        )
    return Data(torch.from_numpy(texts.vectors), *splits)


def ridge_targets(data: Data) -> Tensor:
    """The direction between a product's title and the mean of its captions, (n, e)."""
    texts = data.train.texts
    titles = data.vectors[texts[:, 0]]
    mean = nn.functional.normalize(data.vectors[texts[:, 1:]].mean(1), dim=-1)
    return nn.functional.normalize(titles + mean, dim=-1)


@torch.no_grad()
def validate(projection: Projection, data: Data) -> dict[str, float]:
    """Recalls on validation, and the one score to choose by."""
    projection.eval()
    pictures = projection(data.validation.features[:, 0]).numpy()
    scores = title_scores(pictures, data.vectors.numpy(), data.validation.texts[:, 0].numpy())
    recalls = {name: float(hits.mean()) for name, hits in retrieval_hits(scores).items()}
    return {**recalls, "score": validation_score(scores)}


def start(data: Data, config: LearnConfig) -> tuple[Projection, dict[str, Any]]:
    """A projection that is the best ridge regression, and its figures."""
    views = data.train.features.shape[1]
    projection = Projection(
        data.train.features.shape[-1], data.vectors.shape[-1], config.hidden, config.dropout
    )
    rows = data.train.features.transpose(0, 1).flatten(0, 1)  # all first views, then the others
    ridge = Ridge(projection.standardise(rows), ridge_targets(data).repeat(views, 1))
    figures: dict[float, dict[str, float]] = {}
    for strength in config.ridge_strengths:
        ridge.set(projection, strength)
        figures[strength] = validate(projection, data)
    best = max(figures, key=lambda strength: figures[strength]["score"])
    ridge.set(projection, best)
    log.info("ridge regression, strength %g: %s", best, figures[best])
    return projection, {"strength": best, **figures[best]}


class Learner:
    """The projection in training: with the same config and data, always the same steps."""

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
            losses.append(float(loss.detach()))
        self.epoch += 1
        figures = {"loss": float(np.mean(losses)), **validate(self.projection, self._data)}
        if figures["score"] > max(entry["score"] for entry in self.history):
            self._best = self._copy()
        self.history.append(figures)
        log.info("epoch %d of %d: %s", self.epoch, config.epochs, figures)

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
        return total

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
        tensors = {f"model.{name}": value for name, value in self._copy().items()}
        tensors |= {f"best.{name}": value for name, value in self._best.items()}
        tensors["scale"] = self._scale.detach().clone()
        for number, state in self._optimizer.state_dict()["state"].items():
            tensors |= {f"state.{number}.{name}": value for name, value in state.items()}
        return tensors, {"epoch": self.epoch, "history": self.history}

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Continue after the epoch of a state."""
        self.projection.load_state_dict(_part(tensors, "model."))
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
        return {name: value.clone() for name, value in self.projection.state_dict().items()}


def _part(tensors: Mapping[str, Tensor], prefix: str) -> Weights:
    """The tensors with a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def run(config: LearnConfig) -> dict[str, object]:
    """Write the projection; returns the record, which is written last.

    Raises:
        FileNotFoundError: a step before this one is not complete.
        CheckpointError: a checkpoint belongs to another run.
    """
    torch.set_num_threads(config.threads or torch.get_num_threads())
    torch.manual_seed(config.seed)
    made_of = {
        "features_sha256": features.load_record(config.features_dir)["features_sha256"],
        **{
            name: captions.load_record(config.captions_dir, config.features_dir)[name]
            for name in ("captions_sha256", "text_model")
        },
    }
    data = read_data(config)
    projection, ridge = start(data, config)
    learner = Learner(projection, {"score": ridge["score"]}, data, config)
    identity = {**config.model_dump(mode="json", exclude=_NOT_IDENTIFYING), **made_of}
    folder = config.output_dir / _CHECKPOINTS
    if (checkpoint := latest(folder)) is not None:
        require_same_run(checkpoint, identity)
        learner.restore(checkpoint.tensors, checkpoint.state)
    while not learner.is_finished:
        learner.run_epoch()
        if learner.epoch % config.checkpoint_epochs == 0:
            tensors, state = learner.state()
            save(folder, learner.epoch, tensors, {"identity": identity, **state})
    best = learner.use_best()
    save_projection(config.output_dir, projection)
    record: dict[str, object] = {
        "parameters": config.model_dump(mode="json", exclude=_NOT_IDENTIFYING),
        **made_of,
        "products": {"train": len(data.train.types), "validation": len(data.validation.types)},
        "ridge": ridge,
        "validation": best,
        "history": learner.history,
        "git_commit": git_commit(),
    }
    (config.output_dir / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    return record
