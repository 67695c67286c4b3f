"""Parameters of one scoring."""

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
"""Where a field comes from that no option gives; the same variables as the functions'."""


class ScoreConfig(JobConfig):
    """Embed and judge, with one model, every processed review that it has not seen."""

    model_version: str = Field(description="a published version; it need not be current")
    artefact_bucket: str = Field(description="bucket of models, embeddings and indexes")
    clean_bucket: str = Field(description="bucket of the clean shards")
    database_secret_id: str = Field(
        default="",
        description="secret that says how to connect to PostgreSQL; empty: by IAM, as the variables"
        " REVIEWLENS_DATABASE_* say",
    )
    cache_dir: Path = Field(
        default=Path(gettempdir()) / "reviewlens", description="where the model is downloaded to"
    )
    threads: int = Field(default=1, ge=1, description="threads of one encoder pass")
