"""Parameters of one adaptation."""

from pathlib import Path

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig


class AdaptConfig(JobConfig):
    """Correct the logits of a model folder by labelled reviews, into a new folder."""

    model_dir: Path = Field(description="folder with model.onnx, tokenizer.json, manifest.json")
    output_dir: Path = Field(description="folder to write; it must not hold anything yet")
    folds: int = Field(default=5, ge=2, description="parts of a cross-validation")
    repeats: int = Field(default=3, ge=1, description="cross-validations, each split anew")
    threads: int = Field(default=1, ge=1, description="of one encoder pass")
    seed: int = Field(default=13, ge=0, description="of the splits")
