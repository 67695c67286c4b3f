"""Parameters of one training run."""

from pathlib import Path
from typing import Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from sagemaker_jobs.arguments import JobConfig


class TrainConfig(JobConfig):
    """Fine-tune an encoder on labelled review texts."""

    train_dir: Path = Field(description="folder with train.parquet and validation.parquet")
    output_dir: Path = Field(description="folder for encoder, heads, run.json and logs")
    model_name: str = Field(
        default="all-MiniLM-L6-v2",
        description="folder of a Hugging Face encoder, or all-MiniLM-L6-v2 (from its package)",
    )
    start_from: Path | None = Field(
        default=None, description="folder of an earlier run whose weights this one goes on from"
    )
    class_counts: dict[str, int] = Field(
        default={"negative": 9000, "neutral": 7000, "positive": 14000},
        description="rows of each sentiment to draw, spread evenly over the sources",
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
    epochs: int = Field(default=2, ge=0, description="0: only what follows the training proper")
    batch_size: PositiveInt = 32
    learning_rate: PositiveFloat = Field(default=4e-5, description="of the encoder")
    head_learning_rate: PositiveFloat = 5e-4
    weight_decay: float = 0.01
    warmup_share: float = Field(default=0.06, description="share of steps that warm up")
    label_smoothing: float = 0.02
    cosine_weight: float = Field(default=4.0, description="of staying near the base embedding")
    similarity_weight: float = Field(default=10.0, description="of the batch's similarity matrix")
    frozen_layers: int = Field(
        default=0,
        ge=0,
        description="first layers that are not trained, nor are token embeddings; 0: all are",
    )
    dropout: float = Field(default=0.0, ge=0, lt=1, description="inside the encoder")
    wide: bool = Field(
        default=True, description="fit the head's wide part, on all rows, whatever is drawn"
    )
    projection_rows: int = Field(
        default=6000, description="texts for the closed-form projection; 0 leaves the learned one"
    )
    threads: int = Field(default=0, description="torch threads; 0 leaves torch's own choice")
    seed: int = 13

    @model_validator(mode="after")
    def _tail_fits(self) -> Self:
        for tail, of in (("tail_tokens", "max_tokens"), ("served_tail_tokens", "served_tokens")):
            if getattr(self, tail) >= getattr(self, of):
                msg = f"{tail} must be fewer than {of}"
                raise ValueError(msg)
        return self
