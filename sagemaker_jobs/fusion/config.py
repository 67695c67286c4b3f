"""Parameters of the learning of a fusion head."""

from pathlib import Path

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from sagemaker_jobs.arguments import JobConfig

CHANNEL = "SM_CHANNEL_TRAIN"
ENVIRONMENT = {"output_dir": "SM_MODEL_DIR"}


class FusionConfig(JobConfig):
    """Learn sentiments from texts and pictures: a head over two frozen encoders."""

    train_dir: Path = Field(
        description="folder with posts.parquet: text, sentiment, and the bytes of a picture"
    )
    output_dir: Path = Field(description="folder for the head and its figures")
    text_model: Path = Field(
        default=Path("models/default"), description="folder of the encoder of the texts"
    )
    picture_model: Path = Field(
        default=Path("models/pictures"), description="folder of the encoder of the pictures"
    )
    cache_dir: Path | None = Field(default=None, description="folder of vectors, for any settings")
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
