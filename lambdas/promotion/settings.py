"""Settings of the promotion function and of the jobs that it starts."""

from pydantic import Field

from shared.settings.base import DatabaseSettings
from shared.settings.cascade import CascadeSettings


class PromotionSettings(CascadeSettings, DatabaseSettings):
    """Two SageMaker processing jobs: one creates the candidate, one makes it current.

    The activation job receives these buckets, this queue, this database connection and the second
    model.
    """

    artefact_bucket: str
    """Bucket of models, embeddings, indexes and candidates."""
    clean_bucket: str
    """Bucket of the clean shards, which activation scores."""
    processing_queue_url: str
    """Queue of shards that activation leaves to processing."""
    candidate_image_uri: str
    """Image of the candidate job: the training image, because an export needs torch."""
    candidate_role_arn: str
    """Role of the candidate job: reads training data and output, writes `candidates/`."""
    candidate_data_uri: str = ""
    """S3 prefix of the Parquet files to evaluate on; empty: the training channel."""
    candidate_splits: str = "test"
    """Splits to evaluate on, comma-separated; candidate and current model use the same rows."""
    candidate_instance_type: str = "ml.c5.2xlarge"
    """Instance type of the candidate job; no GPU, so that it measures the serving model."""
    candidate_max_seconds: int = Field(4 * 3600, ge=60, le=5 * 86_400)
    """Maximum run time of the candidate job."""
    activation_image_uri: str
    """Image of the activation job: the serving libraries and sagemaker_jobs, no torch."""
    activation_role_arn: str
    """Role of the activation job: reads clean shards, writes artefacts, sends to the queue,
    connects to the database."""
    activation_instance_type: str = "ml.c5.xlarge"
    """Instance type of the activation job."""
    activation_max_seconds: int = Field(12 * 3600, ge=60, le=5 * 86_400)
    """Maximum run time of the activation job; a later one continues where it stopped."""
    activation_subnets: str = ""
    """Subnets with access to the database, comma-separated; empty: no VPC."""
    activation_security_groups: str = ""
    """Security groups of the activation job, comma-separated."""
    jobs_kms_key: str = ""
    """KMS key for volumes and output of both jobs; empty: the default key of the service."""
    jobs_volume_gib: int = Field(30, ge=1, le=1000)
    """Volume size of each job."""
