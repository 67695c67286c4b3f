"""Parameters of a training run."""

from pathlib import Path
from typing import Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from sagemaker_jobs.arguments import JobConfig
from shared.schemas.sentiment import LABELS

RECIPE_DEFAULTS: dict[str, object] = {"patience": 0, "evaluate_every": 1.0}
"""A recipe trains all its epochs and keeps the last weights, unless it sets these fields."""

PATH_FIELDS = ("train_dir", "output_dir", "start_from", "checkpoint_dir")
"""Folders of one machine, which do not identify a run."""


class TrainConfig(JobConfig):
    """Fine-tune an encoder on labelled review texts."""

    train_dir: Path = Field(description="folder with train.parquet and validation.parquet")
    output_dir: Path = Field(description="folder for encoder, heads, run.json and logs")
    model_name: str = Field(
        default="all-MiniLM-L6-v2",
        description="Hugging Face encoder: a folder, a name on the hub with the commit to use "
        "(name@40 hexadecimal digits), or all-MiniLM-L6-v2 (bundled as a package)",
    )
    allow_unpinned_encoder: bool = Field(
        default=False, description="true: a name on the hub may lack a commit; uses the newest"
    )
    start_from: Path | None = Field(
        default=None, description="folder of an earlier run whose weights to start from"
    )
    class_counts: dict[str, NonNegativeInt] = Field(
        default={"negative": 9000, "neutral": 7000, "positive": 14000},
        description="rows to draw per sentiment, spread evenly over the sources; {}: all rows",
    )
    class_weights: Literal["none", "balanced", "draw"] = Field(
        default="none",
        description="balanced: rows of rare sentiments weigh more in the loss; draw: each epoch "
        "draws new rows, equally many per sentiment",
    )
    augment_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of the texts that are misspelled, cut or changed in case, different in "
        "each epoch",
    )
    max_tokens: PositiveInt = Field(default=96, description="maximum tokens of a text in training")
    tail_tokens: PositiveInt = Field(
        default=32, description="how many of them are taken from the end of a longer text"
    )
    whole_share: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="share of texts that are truncated as in serving instead",
    )
    served_tokens: PositiveInt = Field(
        default=256, description="maximum tokens of a text in serving"
    )
    served_tail_tokens: PositiveInt = Field(
        default=64, description="how many of those are taken from the end of a longer text"
    )
    epochs: int = Field(default=3, ge=0, description="0: skips the training itself")
    batch_size: PositiveInt = Field(default=32, description="rows per step, over all processes")
    learning_rate: PositiveFloat = Field(default=2e-5, description="learning rate of the encoder")
    head_learning_rate: PositiveFloat = 5e-4
    weight_decay: NonNegativeFloat = 0.01
    warmup_share: float = Field(default=0.06, ge=0, le=1, description="share of steps that warm up")
    label_smoothing: float = Field(default=0.02, ge=0, lt=1)
    cosine_weight: NonNegativeFloat = Field(
        default=4.0, description="weight of the distance to the base embedding"
    )
    similarity_weight: NonNegativeFloat = Field(
        default=10.0,
        description="weight of the batch's similarity matrix; both 0: no teacher, sentiment only",
    )
    frozen_layers: int = Field(
        default=0,
        ge=0,
        description="first layers that are frozen, with the token embeddings; 0: none",
    )
    dropout: float = Field(default=0.0, ge=0, lt=1, description="dropout inside the encoder")
    head_dropout: float = Field(default=0.1, ge=0, lt=1, description="dropout inside the head")
    evaluate_every: float = Field(
        default=0.5, gt=0, le=1, description="share of an epoch between validations"
    )
    patience: int = Field(
        default=3,
        ge=0,
        description="validations without a better macro-F1 that stop the training with the best "
        "weights; 0: all epochs and the last weights (the default in a recipe)",
    )
    wide: bool = Field(default=True, description="fit the head's wide part, always on all rows")
    projection_rows: int = Field(
        default=6000,
        ge=0,
        description="texts for the closed-form projection; 0: keep the learned one",
    )
    checkpoint_dir: Path | None = Field(
        default=None, description="folder of checkpoints; a run resumes from its own"
    )
    checkpoint_steps: PositiveInt = Field(default=500, description="steps between checkpoints")
    log_steps: PositiveInt = Field(default=50, description="steps per line of metrics")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto: CUDA if available"
    )
    precision: Literal["auto", "bf16", "float32"] = Field(
        default="auto",
        description="precision of training passes; auto: bf16 if the hardware supports it",
    )
    threads: int = Field(default=0, ge=0, description="torch threads; 0: torch's default")
    seed: int = 13

    @model_validator(mode="after")
    def _require_shorter_tails(self) -> Self:
        for tail, limit in (("tail_tokens", "max_tokens"), ("served_tail_tokens", "served_tokens")):
            if getattr(self, tail) >= getattr(self, limit):
                raise ValueError(f"{tail} must be less than {limit}")
        return self

    @model_validator(mode="after")
    def _require_known_labels(self) -> Self:
        if unknown := sorted(set(self.class_counts) - set(LABELS)):
            raise ValueError(
                f"class_counts: unknown sentiment {', '.join(unknown)}; use {', '.join(LABELS)}"
            )
        return self

    @property
    def distils(self) -> bool:
        """Whether the run distils the base encoder's embeddings."""
        return self.cosine_weight > 0 or self.similarity_weight > 0
