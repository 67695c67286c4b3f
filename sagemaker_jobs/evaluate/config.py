"""Parameters of an evaluation."""

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from sagemaker_jobs.arguments import JobConfig


class EvaluateConfig(JobConfig):
    """Measure a model artefact on Parquet files with the columns text, sentiment, source.

    Optional columns add slices: category, rating (stars), product_id, reviewer_key.
    """

    model_dir: Path = Field(description="folder with model.onnx, tokenizer.json, manifest.json")
    data_dir: Path = Field(description="folder of the Parquet files")
    splits: str = Field(default="cellphones,test,dynasent", description="files, comma separated")
    output: Path = Field(description="JSON file to write; predictions.parquet is written beside it")
    report: bool = Field(
        default=False, description="also write the report as Markdown, and as HTML with plots"
    )
    recall_rows: int = Field(
        default=4000, ge=0, description="texts for recall@10 against the base encoder; 0: skip"
    )
    record: bool = Field(
        default=False, description="write the figures into the artefact's manifest"
    )
    limit: int = Field(default=0, ge=0, description="rows of each split, evenly spaced; 0: all")
    resamples: int = Field(
        default=1000, ge=0, description="bootstrap samples of the 95% intervals; 0: skip"
    )
    group_rows: int = Field(
        default=10, ge=1, description="minimum rows of a product or reviewer for the worst group"
    )
    abstain_split: str = Field(
        default="validation", description="file to choose the abstain threshold on"
    )
    abstain_accuracy: float = Field(
        default=0.95, gt=0, le=1, description="required accuracy above the threshold"
    )
    latency_runs: int = Field(
        default=200, ge=0, description="timed passes per length and thread count; 0: skip"
    )
    robustness: bool = Field(
        default=False, description="measure robustness to noise and run the behavioural cases"
    )
    robustness_split: str = Field(
        default="", description="split for robustness; empty: the first one"
    )
    robustness_rows: int = Field(
        default=1000, ge=1, description="rows for robustness, drawn with seed 0"
    )
    robustness_strengths: str = Field(
        default="0.1", description="shares of words to change, comma separated"
    )
    robustness_seeds: int = Field(default=3, ge=1, description="number of seeds per noise")
    behaviours: bool = Field(
        default=False, description="run the behavioural suite: contrast rows, implicit sentiment"
    )
    seed: int = Field(default=0, ge=0, description="seed of the bootstrap")
    threads: int = Field(
        default=0, ge=0, description="threads of a pass; 0: ONNX Runtime's default"
    )

    @field_validator("splits")
    @classmethod
    def _require_names(cls, value: str) -> str:
        if not all(name.strip() for name in value.split(",")):
            raise ValueError("splits must be names of files, comma separated")
        return value

    @field_validator("robustness_strengths")
    @classmethod
    def _require_shares(cls, value: str) -> str:
        if not all(0 <= float(share) <= 1 for share in value.split(",")):
            raise ValueError("robustness_strengths must be numbers from 0 to 1, comma separated")
        return value

    @model_validator(mode="after")
    def _require_evaluated_split(self) -> Self:
        if self.robustness_split and self.robustness_split not in self.split_names:
            raise ValueError(f"robustness_split {self.robustness_split!r} is not one of splits")
        return self

    @property
    def split_names(self) -> list[str]:
        """The splits, in order."""
        return [name.strip() for name in self.splits.split(",")]

    @property
    def strengths(self) -> list[float]:
        """The strengths of the noises."""
        return [float(share) for share in self.robustness_strengths.split(",")]
