"""Parameters of one index build."""

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig

ENVIRONMENT = {"artefact_bucket": "REVIEWLENS_ARTEFACT_BUCKET"}
"""Environment variables that give a field when no option does."""


class BuildIndexConfig(JobConfig):
    """Build and publish an index of everything that a model has embedded."""

    model_version: str = Field(description="a published version; it need not be current")
    artefact_bucket: str = Field(description="bucket of models, embeddings and indexes")
