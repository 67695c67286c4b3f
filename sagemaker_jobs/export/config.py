"""Parameters of an export."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig


class ExportConfig(JobConfig):
    """Export a trained run to model.onnx, tokenizer.json and manifest.json."""

    run_dir: Path = Field(description="output folder of sagemaker_jobs.train")
    output_dir: Path = Field(description="folder of the artefact")
    family: str = Field(default="minilm-reviews-3", description="first part of the version")
    precision: Literal["int8", "float32"] = "int8"
    reduce_range: bool = Field(
        default=True,
        description="7-bit weights: the same sums with and without VNNI; false fails if weights "
        "can saturate",
    )
    activations: Literal["static", "dynamic"] = Field(
        default="static",
        description="scales of int8's inputs: constant, so that an answer does not depend on the "
        "batch, or computed for each batch",
    )
    tokens: bool = Field(
        default=True,
        description="export the logits of tokens, if the model has them; without, a sentence of a "
        "review is encoded again",
    )
    smoothing: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="share of the activations' range moved into the weights; none: for each input "
        "the share with the least error",
    )
    rounding_rows: int = Field(
        default=400,
        ge=0,
        description="texts for rounding the weights; 0: round to nearest",
    )
    calibration: Path | None = Field(
        default=None,
        description="Parquet file of texts for smoothing, scales, rounding, alignment and the "
        "agreement of int8; none: scales from random tokens, without the other steps",
    )
    alignment_rows: int = Field(
        default=12_000, ge=0, description="texts for fitting the projection after int8; 0: skip"
    )
