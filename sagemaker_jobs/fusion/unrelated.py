"""How a fused model does on reviews with pictures that say nothing of them.

Run as ``python -m sagemaker_jobs.fusion.unrelated --model-dir MODEL --reviews FILE …``. A head that
was learned from other texts must not make the sentiments of reviews worse.
"""

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt

from sagemaker_jobs.arguments import JobConfig, log_to_stderr, parse
from sagemaker_jobs.evaluate.metrics import CLASSES, Ints, confusion_matrix, scores
from sagemaker_jobs.evaluate.rows import read_rows
from sagemaker_jobs.fusion.config import FusionConfig
from sagemaker_jobs.fusion.measure import gain
from sagemaker_jobs.fusion.posts import read_posts
from sagemaker_jobs.fusion.vectors import open_encoders, picture_vectors, text_vectors
from shared.runtime.decisions import Decided, decide, decide_each
from shared.runtime.probabilities import softmax


class UnrelatedConfig(JobConfig):
    """Give labelled reviews pictures at random, and compare the head with the text alone."""

    model_dir: Path = Field(description="folder of a fused model")
    picture_model: Path = Field(default=Path("models/pictures"), description="its picture model")
    reviews: Path = Field(description="Parquet file with text and sentiment")
    pictures: Path = Field(description="folder with posts.parquet, whose pictures are used")
    checkpoint_dir: Path | None = Field(default=None, description="folder of vectors")
    limit: PositiveInt = Field(default=1000, description="reviews, evenly spaced over the file")
    resamples: PositiveInt = Field(default=2000, description="samples of the 95% interval")
    threads: NonNegativeInt = Field(default=0, description="threads of a pass; 0: the default")
    seed: NonNegativeInt = 13


def run(config: UnrelatedConfig) -> dict[str, object]:
    """Accuracy and macro-F1 of the text alone and of the head, and the gain of the head.

    Raises:
        ValueError: the model has no head, or a file cannot be used.
    """
    encoders = open_encoders(
        FusionConfig(
            train_dir=config.pictures, output_dir=config.pictures, text_model=config.model_dir,
            picture_model=config.picture_model, threads=config.threads,
        )
    )  # fmt: skip
    head, fusion = encoders.text.head, encoders.text.manifest.fusion
    if head is None or fusion is None or fusion.picture_sha256 != encoders.picture.sha256:
        message = f"model_dir {config.model_dir}: it has no fusion head for {config.picture_model}"
        raise ValueError(message)
    rows = read_rows(config.reviews, config.limit)
    text = text_vectors(rows.texts, encoders.text, config.checkpoint_dir)
    every = picture_vectors(
        read_posts(config.pictures).pictures, encoders.picture, config.checkpoint_dir
    )
    usable = every[np.isfinite(every).all(-1)]
    generator = np.random.default_rng(config.seed)
    picture = usable[generator.integers(len(usable), size=len(rows.texts))]
    alone = decide_each(encoders.text.decisions, rows.kinds, np.exp(text[:, -CLASSES:]))
    both = decide(fusion.both, softmax(head.logits(text, picture)))
    right = [np.asarray(each.labels == rows.labels, np.float64) for each in (both, alone)]
    return {
        "rows": len(rows.texts),
        "text": _figures(alone, rows.labels),
        "both": _figures(both, rows.labels),
        "gain": gain(right[0] - right[1], config.resamples, config.seed),
    }


def _figures(decided: Decided, labels: Ints) -> dict[str, float]:
    figures = scores(confusion_matrix(labels, decided.labels))
    return {name: round(float(value), 4) for name, value in figures.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures as JSON; returns 0."""
    log_to_stderr(logging.WARNING)
    sys.stdout.write(json.dumps(run(parse(UnrelatedConfig, argv, {})), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
