"""Parameters of an index build."""

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig

ENVIRONMENT = {"artefact_bucket": "REVIEWLENS_ARTEFACT_BUCKET"}
"""Environment variables of fields without an option."""


class BuildIndexConfig(JobConfig):
    """Build and publish an index of all embeddings of a model."""

    model_version: str = Field(description="a published version; it need not be current")
    artefact_bucket: str = Field(description="bucket of models, embeddings and indexes")
