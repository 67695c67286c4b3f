"""Parameters of a candidate job."""

from pathlib import Path

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig

_INPUT, _OUTPUT = Path("/opt/ml/processing/input"), Path("/opt/ml/processing/output")


class CandidateConfig(JobConfig):
    """Export a training's result, evaluate it and the current model on the same rows, judge."""

    run_dir: Path = Field(
        default=_INPUT / "run",
        description="output folder of sagemaker_jobs.train, or a folder with it as model.tar.gz",
    )
    train_dir: Path = Field(
        default=_INPUT / "train", description="folder with train.parquet, for fitting int8"
    )
    data_dir: Path = Field(
        default=_INPUT / "data", description="folder of the Parquet files to evaluate on"
    )
    splits: str = Field(default="test", description="files to evaluate on, comma separated")
    current_dir: Path = Field(
        default=_INPUT / "current",
        description="folder of the current model; if missing, nothing is compared",
    )
    encoder_dir: Path = Field(
        default=_INPUT / "encoder",
        description="folder of the base encoder, if the training had one in a channel",
    )
    output_dir: Path = Field(
        default=_OUTPUT, description="folder for model/, evaluation/, current/ and gate.json"
    )
    family: str = Field(default="minilm-reviews", description="first part of the version")
    alignment_rows: int = Field(
        default=12_000, ge=0, description="texts for fitting the projection after int8; 0: skip"
    )
    limit: int = Field(default=0, ge=0, description="rows of each split, evenly spaced; 0: all")
    robustness: bool = Field(
        default=True,
        description="measure the robustness of both models to noise, and run the behavioural suite",
    )
    robustness_rows: int = Field(default=1000, ge=1, description="rows for robustness")
    recall_rows: int = Field(
        default=4000, ge=0, description="texts for recall@10 against all-MiniLM-L6-v2; 0: skip"
    )
    latency_runs: int = Field(default=200, ge=0, description="timed passes; 0: skip")
    threads: int = Field(
        default=0, ge=0, description="threads of a pass; 0: ONNX Runtime's default"
    )
