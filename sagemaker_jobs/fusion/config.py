"""Parameters of the learning and the export of a fusion head."""

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from sagemaker_jobs.arguments import JobConfig

CHANNEL = "SM_CHANNEL_TRAIN"
ENVIRONMENT = {"output_dir": "SM_MODEL_DIR", "checkpoint_dir": "SM_CHECKPOINT_DIR"}

_TEXT_MODEL = "folder of the encoder of the texts"


class FusionConfig(JobConfig):
    """Learn sentiments from texts and pictures: a head over two frozen encoders."""

    train_dir: Path = Field(
        description="folder with posts.parquet: text, sentiment, and the bytes of a picture"
    )
    output_dir: Path = Field(description="folder for the head and its figures")
    text_model: Path = Field(default=Path("models/default"), description=_TEXT_MODEL)
    picture_model: Path = Field(
        default=Path("models/pictures"),
        description="folder of the picture tower; a text model with towers of its own uses those",
    )
    checkpoint_dir: Path | None = Field(
        default=None, description="folder of the vectors, from which the same command goes on"
    )
    strengths: list[PositiveFloat] = Field(
        default=[0.1, 0.3, 1.0, 3.0, 10.0],
        description="penalties of the weights of a side; the best on folds within the training rows"
        " is used",
    )
    dropout: float = Field(
        default=0.3, ge=0, lt=1, description="share of the rows that lack either side in training"
    )
    folds: int = Field(default=5, ge=2, le=20, description="parts of the rows, by their texts")
    resamples: PositiveInt = Field(default=2000, description="samples of the 95% intervals")
    threads: NonNegativeInt = Field(default=0, description="threads of a pass; 0: the default")
    seed: NonNegativeInt = 13


class FusionExportConfig(JobConfig):
    """Write a model folder with the files of a text model and a fusion head."""

    run_dir: Path = Field(description="output folder of sagemaker_jobs.train")
    output_dir: Path = Field(description="folder of the new model; it must be empty or missing")
    text_model: Path = Field(default=Path("models/default"), description=_TEXT_MODEL)
    decides: Literal["measured", "always", "never"] = Field(
        default="measured",
        description="whether the head gives the sentiment of a text with a picture; measured: if"
        " it was better than the text model and than the texts alone, beyond the noise",
    )
