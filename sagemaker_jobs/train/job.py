"""The training run: two tasks in one loss, then calibration on validation."""

import json
import logging
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from sagemaker_jobs.train import checkpoint, record
from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.base import base_folder
from sagemaker_jobs.train.calibrate import fit_calibration, fold_into_head
from sagemaker_jobs.train.config import TrainConfig
from sagemaker_jobs.train.distributed import World, join, leave
from sagemaker_jobs.train.loop import Loop
from sagemaker_jobs.train.model import ReviewEncoder, load_model, new_model, save_model
from sagemaker_jobs.train.passes import Held, deep_outputs, shared_outputs
from sagemaker_jobs.train.project import refit_projection
from sagemaker_jobs.train.sampling import Sampler, served_ids

log = logging.getLogger("train")


class _Run(NamedTuple):
    """What all parts of a run read."""

    config: TrainConfig
    world: World
    folder: Path
    tokenizer: Tokenizer
    everything: reviews.Labelled
    train: reviews.Labelled
    validation: reviews.Labelled


def run(config: TrainConfig) -> dict[str, Any]:
    """Train, refit the projection, calibrate, save; returns what run.json holds.

    Of several processes the first alone goes on after the training proper, and writes; the others
    return an empty record.
    """
    torch.manual_seed(config.seed)
    if config.threads:
        torch.set_num_threads(config.threads)
    world = join(config)
    try:
        return _run(_read(config, world))
    finally:
        leave()


def _read(config: TrainConfig, world: World) -> _Run:
    folder = base_folder(config.model_name)
    everything = reviews.read(config.train_dir / "train.parquet")
    for label, name in enumerate(reviews.LABELS):
        if label not in everything.labels:
            msg = f"{config.train_dir / 'train.parquet'} has no row whose sentiment is {name}"
            raise ValueError(msg)
    return _Run(
        config,
        world,
        folder,
        Tokenizer.from_file(str(folder / "tokenizer.json")),
        everything,
        reviews.draw(everything, config.class_counts, config.seed),
        reviews.read(config.train_dir / "validation.parquet"),
    )


def _run(this: _Run) -> dict[str, Any]:
    config, world = this.config, this.world
    base = new_model(this.folder)
    if config.start_from:
        model = load_model(config.start_from, config.dropout, config.head_dropout)
    else:
        model = new_model(this.folder, config.dropout, config.head_dropout)
    model.freeze(config.frozen_layers)
    if world.rank:  # each process drops out other units; the first one's draw is a single run's
        torch.manual_seed(config.seed + world.rank)
    sampler = Sampler(this.tokenizer, this.train, config)
    held = Held(
        served_ids(this.tokenizer, this.validation.texts, config),
        torch.tensor(this.validation.labels),
    )
    _refuse_long(model, [*sampler.ids, *held.ids])
    outcome: dict[str, Any] = {}
    if config.epochs:
        outcome = _fit(model, base, sampler, held, this)
        leave()
    if not world.writes:
        return {}
    if config.epochs:
        save_model(model, this.folder, config.output_dir)
    return _finish(model, base, sampler, held, outcome, this)


def _refuse_long(model: ReviewEncoder, ids: list[list[int]]) -> None:
    """Refuse texts that are longer than the encoder can read."""
    most = getattr(model.encoder.config, "max_position_embeddings", None)
    longest = max(map(len, ids))
    if most is not None and longest > most:
        msg = (
            f"served_tokens and max_tokens let {longest} tokens through, "
            f"and the encoder reads {most}: give fewer"
        )
        raise ValueError(msg)


def _fit(
    model: ReviewEncoder, base: ReviewEncoder, sampler: Sampler, held: Held, this: _Run
) -> dict[str, Any]:
    config, world = this.config, this.world
    identity = record.identity(config, this.train, this.validation)
    teacher = _teacher(base, sampler, identity, this) if config.distils else None
    model.to(world.device)
    outcome = Loop(model, teacher, sampler, held, config, world, identity).run()
    model.cpu()
    return outcome


def _teacher(base: ReviewEncoder, sampler: Sampler, identity: dict[str, Any], this: _Run) -> Tensor:
    """The base encoder's unit embeddings (n, d) of all texts; kept beside the checkpoints."""
    kept = this.config.checkpoint_dir
    made_of = {**identity, "base": record.file_hash(this.folder / "model.safetensors")}
    found = None if kept is None else checkpoint.kept_teacher(kept, made_of)
    if this.world.all_have(found is not None) and found is not None:
        return found
    log.info("base embeddings of %d texts", len(sampler.ids))
    base.to(this.world.device)
    pooled, _ = shared_outputs(base, sampler.ids, this.world)
    base.cpu()
    teacher = nn.functional.normalize(pooled, dim=-1)
    if kept is not None and this.world.writes:
        checkpoint.keep_teacher(kept, teacher, made_of)
    return teacher


def _finish(
    model: ReviewEncoder,
    base: ReviewEncoder,
    sampler: Sampler,
    held: Held,
    outcome: dict[str, Any],
    this: _Run,
) -> dict[str, Any]:
    """What follows the training proper, on the CPU but for passes over texts; writes run.json."""
    config, everything = this.config, this.everything
    if config.wide:
        log.info("tokens and pairs of %d texts", len(everything.texts))
        every = served_ids(this.tokenizer, everything.texts, config)
        model.wide.fit(every, everything.labels, config.seed)
    cosine = _refit(model, base, sampler.ids, this)
    calibration = _calibrate(model, held, this.world)
    save_model(model, this.folder, config.output_dir)
    found: dict[str, Any] = {
        "parameters": record.parameters(config),
        "train_rows": len(this.train.texts),
        "train_text_sha256": reviews.fingerprint(this.train.texts),
        "validation_text_sha256": reviews.fingerprint(this.validation.texts),
        "wide_rows": len(everything.texts) if config.wide else 0,
        "wide_text_sha256": reviews.fingerprint(everything.texts) if config.wide else None,
        "splits_sha256": record.file_hash(config.train_dir / "splits.json"),
        "base_sha256": record.file_hash(this.folder / "model.safetensors"),
        **outcome,
        "projection_cosine": cosine,
        **calibration,
        "git_commit": record.git_commit(),
        "environment": record.environment(this.world),
    }
    if config.start_from:
        earlier = (config.start_from / "run.json").read_text(encoding="utf-8")
        found["started_from"] = json.loads(earlier)
    (config.output_dir / "run.json").write_text(json.dumps(found, indent=1) + "\n")
    return found


def _refit(
    model: ReviewEncoder, base: ReviewEncoder, ids: list[list[int]], this: _Run
) -> float | None:
    rows = this.config.projection_rows
    if not rows:
        return None
    target, _ = deep_outputs(base, ids[:rows], this.world, exact=True)
    pooled, _ = deep_outputs(model, ids[:rows], this.world, exact=True)
    return float(refit_projection(model, pooled, nn.functional.normalize(target, dim=-1)))


@torch.no_grad()
def _calibrate(model: ReviewEncoder, held: Held, world: World) -> dict[str, Any]:
    _, deep = deep_outputs(model, held.ids, world, exact=True)
    (wide,) = reviews.over_batches(held.ids, 32, lambda *inputs: (model.wide(*inputs),))
    with torch.enable_grad():
        found = fit_calibration(deep, wide, held.labels)
    fold_into_head(model, found)
    right = found.apply(deep, wide).argmax(-1) == held.labels
    return {
        "validation_accuracy": right.float().mean().item(),
        "calibration": {"deep": found.deep, "wide": found.wide, "bias": found.bias.tolist()},
    }
