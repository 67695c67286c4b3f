"""Settings of the training function."""

from pydantic import Field

from shared.settings.base import DatabaseSettings


class TrainingSettings(DatabaseSettings):
    """The database of runs, and the parameters of SageMaker jobs.

    The required parameters of a SageMaker job have no default; while one is missing, /train
    responds with 503 and names it.
    """

    database_wait_seconds: float = Field(3.0, gt=0, le=120)
    """Wait for a database connection; short, so that callers soon learn that there is none."""
    training_launcher: str = "sagemaker"
    """Launcher of jobs: `sagemaker`, or `module:function` that returns another launcher."""
    training_rate: float = Field(69.0, gt=0)
    """Reviews per second, for estimates until a run of the encoder has completed. The default was
    measured on 2 cores (docs/decisions/0006-one-encoder.md)."""
    training_rows: int = Field(30_000, ge=1)
    """Reviews per epoch, for estimates: the sample size of the job by default."""
    training_image_uri: str = ""
    """Image of the training container."""
    training_role_arn: str = ""
    """Role of the job."""
    training_data_uri: str = ""
    """S3 prefix with train.parquet and validation.parquet: the channel `train`."""
    training_output_uri: str = ""
    """S3 prefix for models and checkpoints."""
    training_source_uri: str = ""
    """S3 object with the staged sources (sourcedir.tar.gz); empty if the image contains them."""
    training_program: str = "sagemaker_jobs/train/container.py"
    """Script of the source folder that the container runs."""
    training_encoders_uri: str = ""
    """S3 prefix with a folder for each registered encoder."""
    training_encoders: str = ""
    """Names of the registered encoders, separated by commas."""
    training_name_prefix: str = ""
    """Prefix of job names; it must differ between deployments in one account."""
    training_isolated: bool = False
    """Whether jobs run without network; requires an image that contains the sources."""
    training_key_arn: str = ""
    """KMS key for the output of jobs; empty: the account's default key for S3."""
    training_volume_key_arn: str = ""
    """KMS key for the instances' volumes; must be empty for instances with local disks."""
    training_instance_type: str = "ml.g5.xlarge"
    """Instance type of the job."""
    training_instance_count: int = Field(1, ge=1, le=16)
    """Number of instances."""
    training_volume_gib: int = Field(50, ge=1, le=1000)
    """Volume size of each instance."""
    training_max_seconds: int = Field(6 * 3600, ge=60, le=5 * 86_400)
    """Maximum training time of a job."""
    training_spot: bool = True
    """Whether jobs use spot instances; an interrupted job resumes from its checkpoint."""
    training_spot_wait_seconds: int = Field(6 * 3600, ge=0, le=5 * 86_400)
    """Maximum time that a spot job waits for instances, in addition to its training time."""
