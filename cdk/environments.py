"""The environments: every size, limit, retention and budget that differs between them."""

from dataclasses import dataclass
from typing import Literal

PREFIX = "reviewlens"


@dataclass(frozen=True, kw_only=True)
class DatabaseSize:
    """How PostgreSQL runs.

    RDS Proxy holds connections, and a cluster with a connection is never paused. So a cluster that
    scales to zero has no proxy, and its functions connect to it directly, by IAM as well.

    Whether there is a proxy, and the kind, are chosen before the first deployment: other stacks
    import the endpoint, and CloudFormation takes none away that is in use.
    """

    kind: Literal["aurora", "rds"] = "aurora"
    """Aurora PostgreSQL Serverless v2, or one RDS for PostgreSQL instance."""
    min_acu: float = 0
    """Aurora: least capacity in ACU of 2 GiB; 0 pauses the cluster when nobody is connected."""
    max_acu: float = 2
    """Aurora: most capacity in ACU."""
    readers: int = 0
    """Aurora: readers in other zones, to which a failed writer's work goes."""
    instance_class: str = "t4g.medium"
    """RDS: class of the instance."""
    storage_gib: int = 50
    """RDS: disk at the start; it grows to four times this."""
    multi_az: bool = False
    """RDS: a standby in another zone."""
    proxy: bool = False
    """Whether functions connect through RDS Proxy."""
    backup_days: int = 7
    """How far back a restore to a point in time reaches."""

    def __post_init__(self) -> None:
        if self.kind == "aurora" and self.min_acu == 0 and self.proxy:
            raise ValueError("min_acu is 0, but a cluster behind a proxy is never paused")
        if self.min_acu > self.max_acu:
            raise ValueError("min_acu is above max_acu")


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One deployment of everything; all names start with ``reviewlens-<name>``."""

    name: str
    database: DatabaseSize
    keep_data: bool
    """Whether buckets, keys and the database outlive their stack and refuse deletion."""
    log_days: int
    """Days that log groups keep; one of the numbers that CloudWatch Logs takes."""
    access_log_days: int
    """Days that S3 access logs are kept."""
    old_version_days: int
    """Days that overwritten and deleted objects can be brought back."""
    raw_infrequent_days: int
    """Days until a dump goes to infrequent access; at least 30."""
    collection_workers: int
    """Dumps that are collected at once; at least 2, the least that an event source takes."""
    processing_workers: int
    """Shards that are encoded at once; at least 2."""
    spare_concurrency: int
    """Concurrency reserved beside the workers, for the sweep and for messages that overlap."""
    sweep_minutes: int
    """Minutes between two sweeps. A sweep wakes a paused database, which stays up for 30 more."""
    endpoint_zones: int
    """Zones with interface endpoints, of the two that there are: each costs about 7 USD a month for
    every service. With one, calls from the other zone cross over and end if that one fails."""
    budget_usd: int
    """Monthly budget; 80 percent spent and 100 percent forecast raise an alarm."""
    log_level: str = "INFO"
    provisioned_concurrency: int = 0
    """Inference processes that are kept warm; 0: none."""
    canary: bool = True
    """Whether a release of the API goes to 10 percent of the requests first, for 5 minutes."""
    api_workers: int = 10
    """Requests that each function of the API with a database works on at once, at most."""
    read_rate: int = 20
    """Requests per second of one API key."""
    read_burst: int = 40
    """Requests at once of one API key."""
    read_quota_daily: int = 50_000
    """Requests per day of one API key."""
    training_instance_type: str = "ml.g5.xlarge"
    """Instance of a training job."""
    training_spot: bool = True
    """Whether training jobs run on spot instances."""
    training_encoders: str = ""
    """Encoders that may be trained beside the known ones, by commas: folders in training/encoders/
    of the artefact bucket."""

    def __post_init__(self) -> None:
        for field in ("collection_workers", "processing_workers"):
            if getattr(self, field) < 2:
                raise ValueError(f"{field} is below 2")
        if self.raw_infrequent_days < 30:
            raise ValueError("raw_infrequent_days is below 30")

    @property
    def stage_name(self) -> str:
        """Prefix of the names of its stacks."""
        return f"{PREFIX}-{self.name}"


DEV = Environment(
    name="dev",
    database=DatabaseSize(min_acu=0, max_acu=2, backup_days=1),
    keep_data=False,
    log_days=14,
    access_log_days=30,
    old_version_days=7,
    raw_infrequent_days=30,
    collection_workers=2,
    processing_workers=2,
    spare_concurrency=1,
    sweep_minutes=360,
    endpoint_zones=1,
    budget_usd=75,
    log_level="DEBUG",
    canary=False,
    read_quota_daily=5_000,
)
STAGING = Environment(
    name="staging",
    database=DatabaseSize(min_acu=0.5, max_acu=4, proxy=True, backup_days=3),
    keep_data=False,
    log_days=30,
    access_log_days=90,
    old_version_days=14,
    raw_infrequent_days=30,
    collection_workers=2,
    processing_workers=4,
    spare_concurrency=2,
    sweep_minutes=15,
    endpoint_zones=1,
    budget_usd=300,
)
PROD = Environment(
    name="prod",
    database=DatabaseSize(min_acu=1, max_acu=16, readers=1, proxy=True, backup_days=35),
    keep_data=True,
    log_days=90,
    access_log_days=365,
    old_version_days=30,
    raw_infrequent_days=30,
    collection_workers=8,
    processing_workers=16,
    spare_concurrency=4,
    sweep_minutes=5,
    endpoint_zones=2,
    budget_usd=1_000,
    provisioned_concurrency=1,
    read_rate=50,
    read_burst=100,
    read_quota_daily=1_000_000,
)
ENVIRONMENTS = {environment.name: environment for environment in (DEV, STAGING, PROD)}
