"""Parameters of one training run."""

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
"""A recipe trains all its epochs and keeps the last weights, unless it asks for more."""

PLACES = ("train_dir", "output_dir", "start_from", "checkpoint_dir")
"""Folders of one machine: no part of what a run is."""


class TrainConfig(JobConfig):
    """Fine-tune an encoder on labelled review texts."""

    train_dir: Path = Field(description="folder with train.parquet and validation.parquet")
    output_dir: Path = Field(description="folder for encoder, heads, run.json and logs")
    model_name: str = Field(
        default="all-MiniLM-L6-v2",
        description="Hugging Face encoder: a folder, a name on the hub, or all-MiniLM-L6-v2 (from "
        "its package)",
    )
    start_from: Path | None = Field(
        default=None, description="folder of an earlier run whose weights this one goes on from"
    )
    class_counts: dict[str, NonNegativeInt] = Field(
        default={"negative": 9000, "neutral": 7000, "positive": 14000},
        description="rows of each sentiment to draw, spread evenly over the sources; {}: all rows",
    )
    class_weights: Literal["none", "balanced", "draw"] = Field(
        default="none",
        description="balanced: a row's loss counts by how rare its sentiment is; draw: each epoch "
        "draws its rows anew, as many of each sentiment",
    )
    augment_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of the texts that are misspelled, cut or set in other case, anew in "
        "each epoch",
    )
    max_tokens: PositiveInt = Field(default=96, description="tokens a text is cut to in training")
    tail_tokens: PositiveInt = Field(
        default=32, description="how many of them are the end of a text that is cut"
    )
    whole_share: float = Field(
        default=0.2, ge=0, le=1, description="share of texts cut only as serving cuts them"
    )
    served_tokens: PositiveInt = Field(default=256, description="tokens a text is cut to to serve")
    served_tail_tokens: PositiveInt = Field(
        default=64, description="how many of those are the end of a text that is cut"
    )
    epochs: int = Field(default=3, ge=0, description="0: only what follows the training proper")
    batch_size: PositiveInt = Field(default=32, description="rows a step, over all processes")
    learning_rate: PositiveFloat = Field(default=2e-5, description="of the encoder")
    head_learning_rate: PositiveFloat = 5e-4
    weight_decay: NonNegativeFloat = 0.01
    warmup_share: float = Field(default=0.06, ge=0, le=1, description="share of steps that warm up")
    label_smoothing: float = Field(default=0.02, ge=0, lt=1)
    cosine_weight: NonNegativeFloat = Field(
        default=4.0, description="of staying near the base embedding"
    )
    similarity_weight: NonNegativeFloat = Field(
        default=10.0,
        description="of the batch's similarity matrix; both 0: no teacher, the sentiment alone",
    )
    frozen_layers: int = Field(
        default=0,
        ge=0,
        description="first layers that are not trained, nor are token embeddings; 0: all are",
    )
    dropout: float = Field(default=0.0, ge=0, lt=1, description="inside the encoder")
    head_dropout: float = Field(default=0.1, ge=0, lt=1, description="inside the head")
    evaluate_every: float = Field(
        default=0.5, gt=0, le=1, description="share of an epoch between two looks at validation"
    )
    patience: int = Field(
        default=3,
        ge=0,
        description="looks at validation without a better macro-F1 that end the training, and the "
        "best weights are kept; 0: all epochs, the last weights (so in a recipe that is silent)",
    )
    wide: bool = Field(
        default=True, description="fit the head's wide part, on all rows, whatever is drawn"
    )
    projection_rows: int = Field(
        default=6000,
        ge=0,
        description="texts for the closed-form projection; 0 leaves the learned one",
    )
    checkpoint_dir: Path | None = Field(
        default=None, description="folder of checkpoints: a run that finds its own there goes on"
    )
    checkpoint_steps: PositiveInt = Field(default=500, description="steps between checkpoints")
    log_steps: PositiveInt = Field(default=50, description="steps that a line of metrics sums up")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto: CUDA where there is one"
    )
    precision: Literal["auto", "bf16", "float32"] = Field(
        default="auto", description="of the training passes; auto: bf16 where the hardware has it"
    )
    threads: int = Field(default=0, ge=0, description="torch threads; 0 leaves torch's own choice")
    seed: int = 13

    @model_validator(mode="after")
    def _tail_fits(self) -> Self:
        for tail, of in (("tail_tokens", "max_tokens"), ("served_tail_tokens", "served_tokens")):
            if getattr(self, tail) >= getattr(self, of):
                msg = f"{tail} must be fewer than {of}"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _labels_are_known(self) -> Self:
        if unknown := sorted(set(self.class_counts) - set(LABELS)):
            msg = f"class_counts names {', '.join(unknown)}: the sentiments are {', '.join(LABELS)}"
            raise ValueError(msg)
        return self

    @property
    def distils(self) -> bool:
        """Whether a teacher holds the embeddings."""
        return self.cosine_weight > 0 or self.similarity_weight > 0
