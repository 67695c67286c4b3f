"""Learns the projection: a ridge regression first, then a symmetric contrastive loss."""

import json
import logging
import shutil
from typing import Any

import torch
from torch import Tensor, nn

from sagemaker_jobs.pictures import captions, features
from sagemaker_jobs.pictures.config import LearnConfig
from sagemaker_jobs.pictures.dataset import Data, read_data, validate
from sagemaker_jobs.pictures.learner import Learner
from sagemaker_jobs.pictures.projection import Projection, Ridge, save_projection
from sagemaker_jobs.train.checkpoint import latest, require_same_run, save
from sagemaker_jobs.train.record import git_commit

log = logging.getLogger("pictures")
RECORD = "learn.json"
_CHECKPOINTS = "checkpoints"
_NOT_IDENTIFYING = {"features_dir", "captions_dir", "output_dir", "threads", "checkpoint_epochs"}


def ridge_targets(data: Data) -> Tensor:
    """The direction between a product's title and the mean of its captions, (n, e)."""
    texts = data.train.texts
    titles = data.vectors[texts[:, 0]]
    mean = nn.functional.normalize(data.vectors[texts[:, 1:]].mean(1), dim=-1)
    return nn.functional.normalize(titles + mean, dim=-1)


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
    first = {name: value for name, value in ridge.items() if name != "strength"}
    learner = Learner(projection, first, data, config)
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
