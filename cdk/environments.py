"""The environments: all sizes, limits, retention periods and budgets that differ between them."""

from dataclasses import dataclass
from typing import Literal

from shared.schemas.cors import parse_origins

PREFIX = "reviewlens"


@dataclass(frozen=True, kw_only=True)
class DatabaseSize:
    """Kind and size of the PostgreSQL database.

    RDS Proxy keeps connections open, and a cluster with an open connection never pauses. So a
    cluster that scales to zero has no proxy; its functions connect to it directly, also with IAM.

    Choose the kind and the proxy before the first deployment: other stacks import the endpoint,
    and CloudFormation does not remove an export that is in use.
    """

    kind: Literal["aurora", "rds"] = "aurora"
    """Aurora PostgreSQL Serverless v2, or one RDS for PostgreSQL instance."""
    min_acu: float = 0
    """Aurora: minimum capacity in ACU of 2 GiB; 0 pauses a cluster without connections."""
    max_acu: float = 2
    """Aurora: maximum capacity in ACU."""
    readers: int = 0
    """Aurora: readers in other zones, one of which takes over if the writer fails."""
    instance_class: str = "t4g.medium"
    """RDS: instance class."""
    storage_gib: int = 50
    """RDS: initial size of the disk, which grows to at most four times this."""
    multi_az: bool = False
    """RDS: whether there is a standby in another zone."""
    proxy: bool = False
    """Whether functions connect through RDS Proxy."""
    backup_days: int = 7
    """Days of backups for a point-in-time restore."""

    def __post_init__(self) -> None:
        if self.kind == "aurora" and self.min_acu == 0 and self.proxy:
            raise ValueError("min_acu is 0, but a cluster behind a proxy never pauses")
        if self.min_acu > self.max_acu:
            raise ValueError("min_acu is above max_acu")


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One complete deployment; all names start with ``reviewlens-<name>``."""

    name: str
    database: DatabaseSize
    keep_data: bool
    """Whether buckets, keys and the database are protected and outlive their stack."""
    backup_copy_days: int = 0
    """Days for which AWS Backup keeps a copy of database, dumps and models elsewhere; 0: none."""
    log_days: int
    """Retention of log groups in days; one of the values that CloudWatch Logs accepts."""
    access_log_days: int
    """Retention of S3 access logs in days."""
    old_version_days: int
    """Days for which overwritten and deleted objects can be restored."""
    raw_infrequent_days: int
    """Days until a dump moves to infrequent access; at least 30."""
    collection_workers: int
    """Dumps collected in parallel; at least 2, the minimum of an event source."""
    processing_workers: int
    """Shards encoded in parallel; at least 2."""
    reserve_concurrency: bool = True
    """Whether functions reserve concurrency: a new account has 10 invocations, and none of an
    account's last 100 can be reserved. Without it, only queues limit their workers."""
    spare_concurrency: int
    """Concurrency reserved on top of the workers, for the sweep and for overlapping messages."""
    sweep_minutes: int
    """Minutes between two sweeps. A sweep wakes a paused database for at least 30 minutes."""
    endpoint_zones: int
    """Number of zones, of the two, that have interface endpoints; each costs about 7 USD a month
    for every service. With one, calls from the other zone depend on it and fail if it fails."""
    budget_usd: int
    """Monthly budget; an alarm is raised at 80 percent spent and at 100 percent forecast."""
    log_level: str = "INFO"
    provisioned_concurrency: int = 0
    """Number of inference processes kept warm."""
    delivered: bool = True
    """Whether the pipeline deploys it: then only the pipeline's role, and ``model_operators``, may
    publish a model or move the pointer. Otherwise the account's policies decide."""
    model_operators: tuple[str, ...] = ()
    """Names of roles of the account that may do the same, for a rollback by a person."""
    canary: bool = True
    """Whether a release of the API first receives 10 percent of the requests for 5 minutes."""
    api_workers: int = 10
    """Maximum concurrency of each API function that uses the database."""
    event_bus: str = "default"
    """Bus of EventBridge, in this account, that gets an event for each finished ingest; empty:
    none. The network has an endpoint for it, which costs as much as each of the others."""
    picture_workers: int = 5
    """Pictures fetched in parallel."""
    picture_hosts: str = ""
    """Hosts whose pictures are fetched for stored reviews, separated by commas; empty: none."""
    picture_rate: float = 2.0
    """Pictures of reviews per second of one host."""
    domain: str = ""
    """Domain of the API, such as ``api.example.org``; empty: API Gateway's own. The ARN of its
    certificate is read at deployment from ``/reviewlens/<name>/certificate``."""
    cors_origins: str = ""
    """Origins of pages whose scripts may read answers of the API, such as
    ``https://shop.example.org``, separated by commas; empty: none. Pages send their key with the
    request, so everybody who opens them has it."""
    read_rate: int = 20
    """Requests per second for one API key."""
    read_burst: int = 40
    """Burst limit for one API key."""
    read_quota_daily: int = 50_000
    """Requests per day for one API key."""
    second_model: str = ""
    """Version of the second model of a cascade; empty: none."""
    second_model_below: float | None = None
    """Confidence below which it is asked; None: where the current model is not sure."""
    training_instance_type: str = "ml.g5.xlarge"
    """Instance type of training jobs."""
    training_spot: bool = True
    """Whether training jobs run on spot instances."""
    training_encoders: str = ""
    """Encoders that may be trained in addition to the built-in ones, separated by commas: folders
    in training/encoders/ of the artefact bucket."""

    def __post_init__(self) -> None:
        for field in ("collection_workers", "processing_workers"):
            if getattr(self, field) < 2:
                raise ValueError(f"{field} is below 2")
        parse_origins(self.cors_origins)
        if self.raw_infrequent_days < 30:
            raise ValueError("raw_infrequent_days is below 30")

    @property
    def longest_backup_days(self) -> int:
        """Days after which no backup has what was deleted."""
        return max(self.database.backup_days, self.backup_copy_days)

    @property
    def stage_name(self) -> str:
        """Prefix of the names of its stacks and resources."""
        return f"{PREFIX}-{self.name}"

    @property
    def publisher_name(self) -> str:
        """Name of the pipeline's role that publishes the model to it."""
        return f"{PREFIX}-delivery-{self.name}-publisher"

    @property
    def tester_name(self) -> str:
        """Name of the pipeline's role that runs the smoke test on it."""
        return f"{PREFIX}-delivery-{self.name}-tester"


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
    reserve_concurrency=False,
    log_level="DEBUG",
    delivered=False,
    canary=False,
    event_bus="",
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
    backup_copy_days=90,
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
