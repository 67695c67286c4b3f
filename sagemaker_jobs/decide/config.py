"""Parameters of the fit."""

from pathlib import Path

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig
from shared.schemas.decisions import SURE_ACCURACY, Kind


class DecideConfig(JobConfig):
    """Fit a model's rules for labels to predictions for sources that it was not trained on.

    The rows of one source are a group. A group of reviews with stars also makes a sample with
    equally many of each star.
    """

    model_dir: Path = Field(description="folder of the model, whose manifest gets the rules")
    predictions: str = Field(
        description="files written by sagemaker_jobs.evaluate, comma separated"
    )
    splits: str = Field(
        default="",
        description="splits to use, comma separated; empty: all but train, validation and test",
    )
    output: Path = Field(description="JSON file of the figures; a Markdown table is beside it")
    sure_accuracy: float = Field(
        default=SURE_ACCURACY,
        gt=0,
        le=1,
        description="share of right labels where it is sure of a review",
    )
    sure_sentence_accuracy: float = Field(
        default=SURE_ACCURACY, gt=0, le=1, description="the same for sentences"
    )
    max_loss: float = Field(
        default=0.002, ge=0, description="accuracy that the factor for neutral may cost"
    )
    min_rows: int = Field(default=50, ge=1, description="rows of the smallest group")
    min_sure_rows: int = Field(
        default=30, ge=1, description="sure rows that a group needs to be counted for sure_above"
    )

    def accuracy(self, kind: Kind) -> float:
        """Required share of right labels where the model is sure."""
        return self.sure_accuracy if kind is Kind.REVIEW else self.sure_sentence_accuracy

    @property
    def files(self) -> list[Path]:
        """The files of predictions."""
        return [Path(name.strip()) for name in self.predictions.split(",")]

    @property
    def split_names(self) -> set[str]:
        """The splits to use; empty: the default."""
        return {name.strip() for name in self.splits.split(",") if name.strip()}
