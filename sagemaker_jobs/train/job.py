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
from sagemaker_jobs.train.distributed import World, connect, disconnect
from sagemaker_jobs.train.encoder import ReviewEncoder
from sagemaker_jobs.train.loop import Loop
from sagemaker_jobs.train.model import load_model, new_model, save_model
from sagemaker_jobs.train.passes import ValidationSet, deep_outputs, shared_outputs
from sagemaker_jobs.train.project import refit_projection
from sagemaker_jobs.train.sampling import Sampler, served_ids

log = logging.getLogger("train")


class _Inputs(NamedTuple):
    """Inputs of all parts of a run."""

    config: TrainConfig
    world: World
    folder: Path
    tokenizer: Tokenizer
    everything: reviews.LabelledTexts
    train: reviews.LabelledTexts
    validation: reviews.LabelledTexts


def run(config: TrainConfig) -> dict[str, Any]:
    """Train, refit the projection, calibrate, save; returns the content of run.json.

    With several processes, only the first one continues after the training itself and writes files;
    the others return an empty record.
    """
    torch.manual_seed(config.seed)
    if config.threads:
        torch.set_num_threads(config.threads)
    world = connect(config)
    try:
        return _train(_read_inputs(config, world))
    finally:
        disconnect()


def _read_inputs(config: TrainConfig, world: World) -> _Inputs:
    folder = base_folder(config.model_name, allow_unpinned=config.allow_unpinned_encoder)
    everything = reviews.read_labelled(config.train_dir / "train.parquet")
    for label, name in enumerate(reviews.LABELS):
        if label not in everything.labels:
            path = config.train_dir / "train.parquet"
            raise ValueError(f"{path} has no row with sentiment {name}")
    return _Inputs(
        config,
        world,
        folder,
        Tokenizer.from_file(str(folder / "tokenizer.json")),
        everything,
        reviews.draw_rows(everything, config.class_counts, config.seed),
        reviews.read_labelled(config.train_dir / "validation.parquet"),
    )


def _train(inputs: _Inputs) -> dict[str, Any]:
    config, world = inputs.config, inputs.world
    base = new_model(inputs.folder)
    if config.start_from:
        model = load_model(config.start_from, config.dropout, config.head_dropout)
    else:
        model = new_model(inputs.folder, config.dropout, config.head_dropout)
    model.freeze(config.frozen_layers)
    if world.rank:  # other dropout than in the first process, which equals a single process
        torch.manual_seed(config.seed + world.rank)
    sampler = Sampler(inputs.tokenizer, inputs.train, config)
    validation = ValidationSet(
        served_ids(inputs.tokenizer, inputs.validation.texts, config),
        torch.tensor(inputs.validation.labels),
    )
    _check_lengths(model, [*sampler.ids, *validation.ids])
    outcome: dict[str, Any] = {}
    if config.epochs:
        outcome = _fit(model, base, sampler, validation, inputs)
        disconnect()
    if not world.is_writer:
        return {}
    if config.epochs:
        save_model(model, inputs.folder, config.output_dir)
    return _finish(model, base, sampler, validation, outcome, inputs)


def _check_lengths(model: ReviewEncoder, ids: list[list[int]]) -> None:
    """Reject texts that are longer than the encoder supports."""
    limit = getattr(model.encoder.config, "max_position_embeddings", None)
    longest = max(map(len, ids))
    if limit is not None and longest > limit:
        raise ValueError(
            f"served_tokens and max_tokens allow {longest} tokens, but the encoder supports only"
            f" {limit}: lower them"
        )


def _fit(
    model: ReviewEncoder,
    base: ReviewEncoder,
    sampler: Sampler,
    validation: ValidationSet,
    inputs: _Inputs,
) -> dict[str, Any]:
    config, world = inputs.config, inputs.world
    identity = record.identity(config, inputs.train, inputs.validation)
    teacher = _teacher(base, sampler, identity, inputs) if config.distils else None
    model.to(world.device)
    outcome = Loop(model, teacher, sampler, validation, config, world, identity).run()
    model.cpu()
    return outcome


def _teacher(
    base: ReviewEncoder, sampler: Sampler, identity: dict[str, Any], inputs: _Inputs
) -> Tensor:
    """The base encoder's unit embeddings (n, d) of all texts, saved beside the checkpoints."""
    folder = inputs.config.checkpoint_dir
    key = {**identity, "base": record.file_hash(inputs.folder / "model.safetensors")}
    saved = None if folder is None else checkpoint.load_teacher(folder, key)
    if inputs.world.all_true(saved is not None) and saved is not None:
        return saved
    log.info("base embeddings of %d texts", len(sampler.ids))
    base.to(inputs.world.device)
    pooled, _ = shared_outputs(base, sampler.ids, inputs.world)
    base.cpu()
    teacher = nn.functional.normalize(pooled, dim=-1)
    if folder is not None and inputs.world.is_writer:
        checkpoint.save_teacher(folder, teacher, key)
    return teacher


def _finish(
    model: ReviewEncoder,
    base: ReviewEncoder,
    sampler: Sampler,
    validation: ValidationSet,
    outcome: dict[str, Any],
    inputs: _Inputs,
) -> dict[str, Any]:
    """Fit the remaining parts, calibrate and save; only encoder passes leave the CPU."""
    config, everything = inputs.config, inputs.everything
    if config.wide:
        log.info("tokens and pairs of %d texts", len(everything.texts))
        every = served_ids(inputs.tokenizer, everything.texts, config)
        model.wide.fit(every, everything.labels, config.seed)
    cosine = _refit_projection(model, base, sampler.ids, inputs)
    calibration = _calibrate(model, validation, inputs.world)
    save_model(model, inputs.folder, config.output_dir)
    run_record: dict[str, Any] = {
        "parameters": record.parameters(config),
        "train_rows": len(inputs.train.texts),
        "train_text_sha256": reviews.fingerprint(inputs.train.texts),
        "validation_text_sha256": reviews.fingerprint(inputs.validation.texts),
        "wide_rows": len(everything.texts) if config.wide else 0,
        "wide_text_sha256": reviews.fingerprint(everything.texts) if config.wide else None,
        "splits_sha256": record.file_hash(config.train_dir / "splits.json"),
        "base_sha256": record.file_hash(inputs.folder / "model.safetensors"),
        **outcome,
        "projection_cosine": cosine,
        **calibration,
        "git_commit": record.git_commit(),
        "environment": record.environment(inputs.world),
    }
    if config.start_from:
        earlier = (config.start_from / "run.json").read_text(encoding="utf-8")
        run_record["started_from"] = json.loads(earlier)
    (config.output_dir / "run.json").write_text(json.dumps(run_record, indent=1) + "\n")
    return run_record


def _refit_projection(
    model: ReviewEncoder, base: ReviewEncoder, ids: list[list[int]], inputs: _Inputs
) -> float | None:
    rows = inputs.config.projection_rows
    if not rows:
        return None
    target, _ = deep_outputs(base, ids[:rows], inputs.world, exact=True)
    pooled, _ = deep_outputs(model, ids[:rows], inputs.world, exact=True)
    return float(refit_projection(model, pooled, nn.functional.normalize(target, dim=-1)))


@torch.no_grad()
def _calibrate(model: ReviewEncoder, validation: ValidationSet, world: World) -> dict[str, Any]:
    _, deep = deep_outputs(model, validation.ids, world, exact=True)
    (wide,) = reviews.map_batches(validation.ids, 32, lambda *inputs: (model.wide(*inputs),))
    with torch.enable_grad():
        calibration = fit_calibration(deep, wide, validation.labels)
    fold_into_head(model, calibration)
    correct = calibration.apply(deep, wide).argmax(-1) == validation.labels
    return {
        "validation_accuracy": correct.float().mean().item(),
        "calibration": {
            "deep": calibration.deep,
            "wide": calibration.wide,
            "bias": calibration.bias.tolist(),
        },
    }
