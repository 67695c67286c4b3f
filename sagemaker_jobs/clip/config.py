"""Parameters of an import."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig


class ClipConfig(JobConfig):
    """Export a CLIP or SigLIP checkpoint beside the encoder of a model."""

    source: str = Field(description="folder of a checkpoint, or NAME or NAME@COMMIT on the hub")
    sentiment_dir: Path = Field(description="model folder whose encoder gives the sentiments")
    output_dir: Path = Field(description="folder of the new model")
    precision: Literal["int8", "float32"] = Field(
        default="int8", description="int8: of each tower whose vectors stay close to float32's"
    )
    min_cosine: float = Field(
        default=0.99, ge=0, le=1, description="mean cosine of an int8 tower to float32"
    )
    least_cosine: float = Field(
        default=0.97, ge=0, le=1, description="cosine of its worst vector to that of float32"
    )
    threads: int = Field(default=0, ge=0, description="threads of a pass; 0: all cores")
