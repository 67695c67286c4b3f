"""Settings of the promotion function: what the flow's jobs are made of."""

from pydantic import Field

from shared.settings.base import DatabaseSettings


class PromotionSettings(DatabaseSettings):
    """Two SageMaker processing jobs: one makes the candidate, one makes it current.

    The activation job gets the buckets, the queue and the way into the database that stand here.
    """

    artefact_bucket: str
    """Bucket of models, embeddings, indexes and candidates."""
    clean_bucket: str
    """Bucket of the clean shards, which activation scores."""
    processing_queue_url: str
    """Queue of shards, for those that activation leaves to processing."""
    candidate_image_uri: str
    """Image of the candidate job: the training image, as an export needs torch."""
    candidate_role_arn: str
    """Role of the candidate job: reads the training's data and output, writes `candidates/`."""
    candidate_data_uri: str = ""
    """S3 prefix of the Parquet files to evaluate on; empty: the channel that it was trained on."""
    candidate_splits: str = "test"
    """Files among them, separated by commas; candidate and current model answer the same rows."""
    candidate_instance_type: str = "ml.c5.2xlarge"
    """Instance of the candidate job; no GPU: what is measured is what serves."""
    candidate_max_seconds: int = Field(4 * 3600, ge=60, le=5 * 86_400)
    """Longest that a candidate may take to make."""
    activation_image_uri: str
    """Image of the activation job: the serving libraries and sagemaker_jobs, no torch."""
    activation_role_arn: str
    """Role of the activation job: reads clean shards, writes artefacts, sends to the queue,
    connects to the database."""
    activation_instance_type: str = "ml.c5.xlarge"
    """Instance of the activation job."""
    activation_max_seconds: int = Field(12 * 3600, ge=60, le=5 * 86_400)
    """Longest that scoring all reviews may take; a later activation goes on where it stopped."""
    activation_subnets: str = ""
    """Subnets from which the database is reached, separated by commas; empty: no VPC."""
    activation_security_groups: str = ""
    """Security groups of the activation job, separated by commas."""
    jobs_kms_key: str = ""
    """Key for the disks of both jobs and what they put out; empty: the service's own."""
    jobs_volume_gib: int = Field(30, ge=1, le=1000)
    """Disk of each job."""
