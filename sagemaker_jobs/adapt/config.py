"""Parameters of an adaptation."""

from pathlib import Path

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig


class AdaptConfig(JobConfig):
    """Fit a correction of a model's logits to labelled reviews and write a new model folder."""

    model_dir: Path = Field(description="folder with model.onnx, tokenizer.json, manifest.json")
    output_dir: Path = Field(description="folder to write; it must be empty or missing")
    folds: int = Field(default=5, ge=2, description="folds of a cross-validation")
    repeats: int = Field(default=3, ge=1, description="cross-validations with different splits")
    threads: int = Field(default=1, ge=1, description="threads of one encoder pass")
    seed: int = Field(default=13, ge=0, description="seed of the splits")
