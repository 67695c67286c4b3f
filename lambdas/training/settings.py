"""Settings of the training function."""

from pydantic import Field

from shared.settings.base import DatabaseSettings


class TrainingSettings(DatabaseSettings):
    """Where runs are noted, and what SageMaker jobs are made of.

    What a SageMaker job cannot do without has no default here; while one of them is missing,
    /train answers 503 and names it.
    """

    database_wait_seconds: float = Field(3.0, gt=0, le=120)
    """How long one waits for a connection; while there is none, a caller is told so soon."""
    training_launcher: str = "sagemaker"
    """What runs jobs: `sagemaker`, or `module:function` that makes another launcher."""
    training_rate: float = Field(69.0, gt=0)
    """Reviews per second that the estimate goes by until a run of the encoder was completed. The
    default is that of 2 cores (docs/decisions/0006-one-encoder.md)."""
    training_rows: int = Field(30_000, ge=1)
    """Reviews of an epoch, for the estimate: what the job draws by default."""
    training_image_uri: str = ""
    """Image of the training container."""
    training_role_arn: str = ""
    """Role that the job runs under."""
    training_data_uri: str = ""
    """S3 prefix with train.parquet and validation.parquet: the channel `train`."""
    training_output_uri: str = ""
    """S3 prefix that models and checkpoints go below."""
    training_source_uri: str = ""
    """S3 object with the staged sources (sourcedir.tar.gz); nothing where the image has them."""
    training_program: str = "sagemaker_jobs/train/container.py"
    """Script of the source folder that the container runs."""
    training_encoders_uri: str = ""
    """S3 prefix with a folder for each registered encoder."""
    training_encoders: str = ""
    """Names of the registered encoders, separated by commas."""
    training_name_prefix: str = ""
    """What the names of jobs begin with: deployments in one account must differ in it."""
    training_isolated: bool = False
    """Whether a job has no network at all. It needs an image that has the sources."""
    training_key_arn: str = ""
    """KMS key of what jobs put out; without one SageMaker takes the account's own for S3."""
    training_volume_key_arn: str = ""
    """KMS key of the instances' disks; instances that have one built in take none."""
    training_instance_type: str = "ml.g5.xlarge"
    """Instance of the job."""
    training_instance_count: int = Field(1, ge=1, le=16)
    """Instances of the job."""
    training_volume_gib: int = Field(50, ge=1, le=1000)
    """Disk of each instance."""
    training_max_seconds: int = Field(6 * 3600, ge=60, le=5 * 86_400)
    """Longest a job may train before it is stopped."""
    training_spot: bool = True
    """Whether jobs run on spot instances; an interrupted one goes on from its checkpoint."""
    training_spot_wait_seconds: int = Field(6 * 3600, ge=0, le=5 * 86_400)
    """How much longer a spot job may wait for instances, beside what it may train."""
