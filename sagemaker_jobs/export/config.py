"""Parameters of one export."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig


class ExportConfig(JobConfig):
    """Export a trained run to model.onnx, tokenizer.json and manifest.json."""

    run_dir: Path = Field(description="what sagemaker_jobs.train wrote")
    output_dir: Path = Field(description="folder of the artefact")
    family: str = Field(default="minilm-reviews-2", description="first part of the version")
    precision: Literal["int8", "float32"] = "int8"
    reduce_range: bool = Field(
        default=True,
        description="7-bit weights: the same sums with and without VNNI; false is refused where "
        "weights can saturate",
    )
    smoothing: float = Field(
        default=0.8, ge=0, le=1, description="share of the activations' spread put into the weights"
    )
    rounding_rows: int = Field(
        default=400,
        ge=0,
        description="texts by whose inputs the weights are rounded; 0: each to the nearest",
    )
    calibration: Path | None = Field(
        default=None,
        description="Parquet file of texts for smoothing, rounding, alignment and int8's "
        "agreement; none: none of them",
    )
    alignment_rows: int = Field(
        default=12_000, ge=0, description="texts that the projection is fitted on after int8; 0: no"
    )
