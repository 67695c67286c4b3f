"""Learns the head from all rows, measures it by folds, and writes both."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file

from sagemaker_jobs.fusion.config import FusionConfig
from sagemaker_jobs.fusion.learn import Learned, learn
from sagemaker_jobs.fusion.measure import figures, predict_folds
from sagemaker_jobs.fusion.posts import FILE, folds_of, read_posts, require_sentiments
from sagemaker_jobs.fusion.vectors import picture_vectors, text_vectors
from sagemaker_jobs.train.base import sha256_of
from sagemaker_jobs.train.record import git_commit

log = logging.getLogger("fusion")
HEAD, RECORD = "fusion.safetensors", "fusion.json"
_PLACES = {"train_dir", "output_dir", "text_model", "picture_model", "cache_dir", "threads"}


def run(config: FusionConfig) -> dict[str, Any]:
    """Write fusion.safetensors and, last, fusion.json; returns what that contains.

    Raises:
        ValueError: the rows cannot be used.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    posts = read_posts(config.train_dir)
    text_model, text = text_vectors(posts.texts, config)
    picture_model, picture = picture_vectors(posts.pictures, config)
    readable = np.asarray(np.isfinite(picture).all(-1), np.bool_)
    texts = [each for each, kept in zip(posts.texts, readable, strict=True) if kept]
    text, picture, labels = text[readable], picture[readable], posts.labels[readable]
    require_sentiments(labels)
    found = predict_folds(texts, text, picture, labels, config)
    folds = folds_of(texts, config.folds, f"i {config.seed}")
    learned = learn(text, picture, labels, folds, config)
    measured = figures(found, labels, config)
    config.output_dir.mkdir(parents=True, exist_ok=True)
    (config.output_dir / RECORD).unlink(missing_ok=True)
    _save(learned, config.output_dir / HEAD)
    record: dict[str, Any] = {
        "text_model": text_model,
        "picture_model": picture_model,
        "parameters": config.model_dump(mode="json", exclude=_PLACES),
        "strengths": {"text": learned.text_strength, "picture": learned.picture_strength},
        "rows_sha256": sha256_of(config.train_dir / FILE),
        "unreadable_pictures": int((~readable).sum()),
        "head_sha256": sha256_of(config.output_dir / HEAD),
        "figures": measured,
        "git_commit": git_commit(),
    }
    (config.output_dir / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    return record


def _save(learned: Learned, path: Path) -> None:
    head = learned.head
    sides = {"text": head.text, "picture": head.picture}
    tensors = {f"{name}.{part}": getattr(side, part) for name, side in sides.items()
               for part in side._fields}  # fmt: skip
    tensors |= {name: getattr(head, name) for name in ("gates", "bias", "no_text", "no_picture")}
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path)
