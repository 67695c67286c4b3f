"""Parameters of the three steps: teacher, labels, student."""

import json
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from sagemaker_jobs.arguments import JobConfig

TRAIN_FIELDS = ("model_name", "epochs", "learning_rate", "frozen_layers", "seed")
"""Parameters that the export reads, as in a run of sagemaker_jobs.train."""


SMOOTHING = 0.05
"""Share of a known label that is spread evenly over all classes."""


_PLACES = frozenset({"data_dir", "output_dir", "weights", "start", "labels"})
"""Fields that name a file or folder."""


class StepConfig(JobConfig):
    """What every step has: data, limits of texts and the machine."""

    data_dir: Path = Field(description="folder with train.parquet and the evaluation sets")
    output_dir: Path = Field(description="folder for what the step writes")
    max_tokens: PositiveInt = Field(default=128, description="maximum tokens of a text")
    tail_tokens: PositiveInt = Field(
        default=40, description="how many of them are taken from the end of a longer text"
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"


class FitConfig(StepConfig):
    """What a training has: its base encoder and its schedule."""

    model_name: str = Field(
        default="all-MiniLM-L6-v2",
        description="base encoder: a folder, a name on the hub with the commit to use, or "
        "all-MiniLM-L6-v2 (bundled as a package)",
    )
    tokens_per_batch: PositiveInt = Field(
        default=16384, description="tokens of a batch, padding included"
    )
    epochs: PositiveInt = 2
    learning_rate: PositiveFloat = Field(default=3e-5, description="of the encoder")
    head_learning_rate: PositiveFloat = 5e-4
    layer_decay: PositiveFloat = Field(
        default=1.0, le=1, description="factor of the learning rate per layer below the last"
    )
    frozen_layers: NonNegativeInt = Field(
        default=0, description="first layers that are frozen, with the token embeddings"
    )
    max_steps: NonNegativeInt = Field(default=0, description="steps at most; 0: all of the epochs")
    weights: Path | None = Field(
        default=None,
        description="safetensors file of the trained parameters of this training, which ran on "
        "another machine; the training is left out",
    )
    start: Path | None = Field(
        default=None,
        description="parameters with which this training starts: a safetensors file of an earlier "
        "training of the same model, or model.onnx of a released one; null: the base encoder",
    )
    trained_share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="weight of the trained parameters in their mean with those of `start`; "
        "1: the trained parameters alone",
    )
    checkpoint_steps: PositiveInt = Field(
        default=200, description="steps between checkpoints, which the same command resumes"
    )
    seed: int = 13

    @model_validator(mode="after")
    def _check_share(self) -> Self:
        if self.trained_share < 1 and self.start is None:
            raise ValueError("trained_share: a share below 1 needs `start`")
        return self

    def recorded(self) -> dict[str, object]:
        """What the record of a run keeps: every parameter but the places on this machine."""
        record: dict[str, object] = json.loads(self.model_dump_json(exclude=set(_PLACES)))
        return record


class SampleConfig(FitConfig):
    """Which labelled rows a training reads."""

    source_share: float = Field(
        default=0.3, gt=0, le=1, description="largest share of one source in the rows of a kind"
    )
    most_stars: PositiveInt = Field(
        default=40_000, description="rows with five stars at most, drawn evenly over the sources"
    )
    reviews: PositiveInt = Field(
        default=1_000_000, description="reviews at most, drawn evenly over the sources"
    )
    sentences: PositiveInt = Field(
        default=1_000_000, description="labelled sentences at most, drawn evenly over the sources"
    )


class TeacherConfig(SampleConfig):
    """Fine-tune the teacher on stars, sentences and terms."""


class LabelConfig(StepConfig):
    """Label the texts, their sentences and clauses with a teacher."""

    teacher_dir: Path = Field(description="output folder of the teacher")


class StudentConfig(SampleConfig):
    """Train a small encoder on the labels of the teacher."""

    labels: Path | None = Field(
        default=None,
        description="folder of the teacher's labels; null: learn from the known labels alone",
    )
    pieces: NonNegativeInt = Field(
        default=400_000,
        description="sentences of reviews, labelled by the teacher, that are texts of their own",
    )
    shared_layers: NonNegativeInt | None = Field(
        default=None,
        description="first layers that embedding and sentiment share, unchanged; the embedding is "
        "then that of the base encoder. null: one encoder for both",
    )
    wide: bool = Field(
        default=False,
        description="keep the linear model over tokens and pairs of the released model that "
        "`start` names",
    )
    layers: list[NonNegativeInt] | None = Field(
        default=None, description="layers of the base encoder to start from; null: all"
    )
    hard_share: float = Field(
        default=0.3, ge=0, le=1, description="weight of known labels beside the teacher's"
    )
    token_weight: float = Field(default=0.5, ge=0, description="weight of the loss of spans")
    cosine_weight: float = Field(default=4.0, ge=0, description="distance to the base embedding")
    similarity_weight: float = Field(default=10.0, ge=0, description="similarities in a batch")
    held_share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="share of the texts whose embedding is held near that of the base encoder",
    )
    embeds: bool = Field(default=True, description="whether the model has an embedding to keep")


class JudgeConfig(StepConfig):
    """Evaluate a teacher or a student in float32."""

    model_dir: Path = Field(description="output folder of the teacher or the student")
    splits: list[str] = Field(
        default=["cellphones", "alexa", "datafiniti", "dynasent", "semeval14", "test", "sentences"],
        description="names of Parquet files in data_dir",
    )
    limit: NonNegativeInt = Field(
        default=0, description="rows of each split, evenly spaced; 0: all"
    )
