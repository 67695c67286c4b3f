"""Learns the head from all rows, measures it by folds, and writes both."""

import json
import logging
from typing import Any

import numpy as np
import torch

from sagemaker_jobs.evaluate.metrics import CLASSES
from sagemaker_jobs.evaluate.predictions import row_key
from sagemaker_jobs.fusion.config import FusionConfig
from sagemaker_jobs.fusion.learn import learn
from sagemaker_jobs.fusion.measure import figures, predict_folds
from sagemaker_jobs.fusion.posts import FILE, folds_of, read_posts, require_sentiments
from sagemaker_jobs.fusion.run_folder import HEAD, RECORD, Unseen, save_unseen
from sagemaker_jobs.fusion.vectors import open_encoders, picture_vectors, text_vectors
from sagemaker_jobs.train.base import sha256_of
from sagemaker_jobs.train.record import git_commit
from shared.aspects.sentences import kind_of
from shared.runtime.decisions import decide_each
from shared.runtime.fusion import save_head

log = logging.getLogger("fusion")
_PLACES = {"train_dir", "output_dir", "text_model", "picture_model", "checkpoint_dir", "threads"}


def run(config: FusionConfig) -> dict[str, Any]:
    """Write the head, what it says of unseen rows and, last, fusion.json; returns what that has.

    Raises:
        ArtefactError: a model cannot be read.
        ValueError: the rows cannot be used, or the models do not go together.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    posts = read_posts(config.train_dir)
    encoders = open_encoders(config)
    text = text_vectors(posts.texts, encoders.text, config.checkpoint_dir)
    picture = picture_vectors(posts.pictures, encoders.picture, config.checkpoint_dir)
    readable = np.asarray(np.isfinite(picture).all(-1), np.bool_)
    texts = [each for each, kept in zip(posts.texts, readable, strict=True) if kept]
    text, picture, labels = text[readable], picture[readable], posts.labels[readable]
    require_sentiments(labels)
    found = predict_folds(texts, text, picture, labels, config)
    rules = encoders.text.decisions
    probabilities = np.exp(text[:, -CLASSES:])
    served = decide_each(rules, list(map(kind_of, texts)), probabilities)
    folds = folds_of(texts, config.folds, f"i {config.seed}")
    learned = learn(text, picture, labels, folds, config)
    output = config.output_dir
    output.mkdir(parents=True, exist_ok=True)
    (output / RECORD).unlink(missing_ok=True)
    save_head(learned.head, output / HEAD)
    keys = [row_key(each) for each in texts]
    save_unseen(Unseen(keys, labels, served, found["both"], found["picture"]), output)
    record: dict[str, Any] = {
        "text_model": encoders.text.version,
        "encoder_sha256": encoders.text.manifest.encoder_sha256,
        "picture_model": encoders.picture.version,
        "picture_sha256": encoders.picture.sha256,
        "parameters": config.model_dump(mode="json", exclude=_PLACES),
        "strengths": {"text": learned.text_strength, "picture": learned.picture_strength},
        "rows_sha256": sha256_of(config.train_dir / FILE),
        "unreadable_pictures": int((~readable).sum()),
        "head_sha256": sha256_of(output / HEAD),
        "figures": figures(found, served, labels, config),
        "git_commit": git_commit(),
    }
    (output / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    return record
