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
    threads: int = Field(default=1, ge=1, description="threads of one encoder pass")
