"""Parameters of one evaluation."""

from pathlib import Path

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig


class EvaluateConfig(JobConfig):
    """Measure a model artefact on Parquet files with the columns text, sentiment, source."""

    model_dir: Path = Field(description="folder with model.onnx, tokenizer.json, manifest.json")
    data_dir: Path = Field(description="folder of the Parquet files")
    splits: str = Field(default="cellphones,test,dynasent", description="files, comma separated")
    output: Path = Field(description="JSON file to write")
    recall_rows: int = Field(
        default=4000, description="texts for recall@10 against the base; 0: no"
    )
    record: bool = Field(
        default=False, description="write the figures into the artefact's manifest"
    )
    limit: int = Field(default=0, description="rows of each split; 0 means all")
    threads: int = 0
