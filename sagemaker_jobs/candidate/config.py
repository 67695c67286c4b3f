"""Parameters of making one candidate."""

from pathlib import Path

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig

_INPUT, _OUTPUT = Path("/opt/ml/processing/input"), Path("/opt/ml/processing/output")


class CandidateConfig(JobConfig):
    """Export a training's result, evaluate it and the current model on the same rows, judge it."""

    run_dir: Path = Field(
        default=_INPUT / "run",
        description="what sagemaker_jobs.train wrote, or a folder with it as model.tar.gz",
    )
    train_dir: Path = Field(
        default=_INPUT / "train", description="folder with train.parquet, which int8 is fitted on"
    )
    data_dir: Path = Field(
        default=_INPUT / "data", description="folder of the Parquet files to evaluate on"
    )
    splits: str = Field(default="test", description="files among them, comma separated")
    current_dir: Path = Field(
        default=_INPUT / "current",
        description="the current model's folder; where there is none, nothing is compared",
    )
    encoder_dir: Path = Field(
        default=_INPUT / "encoder",
        description="the base encoder's folder, where the training had one in a channel",
    )
    output_dir: Path = Field(
        default=_OUTPUT, description="folder for model/, evaluation/, current/ and gate.json"
    )
    family: str = Field(default="minilm-reviews", description="first part of the version")
    alignment_rows: int = Field(
        default=12_000, ge=0, description="texts that the projection is fitted on after int8; 0: no"
    )
    limit: int = Field(default=0, ge=0, description="rows of each split, evenly spaced; 0: all")
    robustness: bool = Field(default=True, description="measure what noise costs both models")
    robustness_rows: int = Field(default=1000, ge=1, description="rows for that")
    recall_rows: int = Field(
        default=4000, ge=0, description="texts for recall@10 against all-MiniLM-L6-v2; 0: no"
    )
    latency_runs: int = Field(default=200, ge=0, description="timed passes; 0: none")
    threads: int = Field(default=0, ge=0, description="of a pass; 0: as ONNX Runtime chooses")
