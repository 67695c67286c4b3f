"""Parameters of a scoring job."""

from pathlib import Path
from tempfile import gettempdir

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig

ENVIRONMENT = {
    "artefact_bucket": "REVIEWLENS_ARTEFACT_BUCKET",
    "clean_bucket": "REVIEWLENS_CLEAN_BUCKET",
    "database_secret_id": "REVIEWLENS_DATABASE_SECRET_ID",
    "cache_dir": "REVIEWLENS_CACHE_DIR",
    "second_model": "REVIEWLENS_SECOND_MODEL",
    "second_model_below": "REVIEWLENS_SECOND_MODEL_BELOW",
}
"""Environment variables of fields without an option; the Lambda functions read the same ones."""


class ScoreConfig(JobConfig):
    """Score every processed review that one model version has not scored yet."""

    model_version: str = Field(description="a published version; it need not be current")
    artefact_bucket: str = Field(description="bucket of models, embeddings and indexes")
    clean_bucket: str = Field(description="bucket of the clean shards")
    database_secret_id: str = Field(
        default="",
        description="secret with the PostgreSQL connection; empty: IAM authentication, configured"
        " by the variables REVIEWLENS_DATABASE_*",
    )
    cache_dir: Path = Field(
        default=Path(gettempdir()) / "reviewlens", description="folder for the downloaded model"
    )
    second_model: str = Field(
        default="", description="version of the second model of a cascade; empty: none"
    )
    second_model_below: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="confidence below which it is asked; null: where the model is not sure",
    )
    threads: int = Field(default=1, ge=1, description="threads of one encoder pass")
