"""The buckets, and the queue of S3 notifications about new dumps."""

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.bucket import SecureBucket, expiry_rule, private_bucket_options
from cdk.constructs.operations import Operations
from cdk.constructs.queue import WorkQueue

_OLD_INDEXES = s3.LifecycleRule(
    id="indexes", prefix="indexes/", noncurrent_version_expiration=Duration.days(1)
)
"""Deleted indexes are not kept: a large one has gigabytes, and each can be rebuilt."""
UPLOADS = "uploads/"
"""Prefix of dumps in the raw bucket (shared/storage/layout.py)."""
PLANS = "plans/"
"""Prefix in the clean bucket of the ranges of huge dumps, and of the text of compressed ones."""
MODEL_PLANS = f"{PLANS}models/"
"""Prefix in the clean bucket of the shards that a new model is to score."""
PLAN_RESULTS = "plan-results/"
"""Prefix in the clean bucket where Step Functions lists what succeeded and failed in a map."""
TRAINING_DATA = "training/data/"
"""Prefix of the Parquet files of trainings in the artefact bucket."""
WEB_UPLOADS = f"{UPLOADS}web/"
"""Prefix of the dumps that are uploaded with a signed form of the API."""


class StorageStack(Stack):
    """Buckets, their key, and the queue of new dumps.

    Exports ``raw``, ``clean``, ``artefacts`` and ``logs``, the ``key`` of all data, and
    ``arrivals``. The queue belongs to this stack because the notification is a property of the
    bucket: with the queue in its function's stack, the two stacks would depend on each other.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, operations: Operations, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        environment = operations.environment
        self.key = kms.Key(
            self,
            "DataKey",
            description=f"{environment.stage_name}: buckets, database and secrets",
            enable_key_rotation=True,
            removal_policy=operations.removal_policy,
        )
        self.logs = self._create_log_bucket(operations)
        common: dict[str, Any] = {
            "operations": operations,
            "key": self.key,
            "log_bucket": self.logs,
        }
        self.raw = SecureBucket(
            self, "Raw", rules=[_infrequent_access_rule(environment.raw_infrequent_days)], **common
        )
        plans = [_intermediate_rule(prefix) for prefix in (PLANS, PLAN_RESULTS)]
        self.clean = SecureBucket(self, "Clean", rules=plans, **common)
        temporary = [
            _intermediate_rule(prefix) for prefix in ("candidates/", "training/checkpoints/")
        ]
        self.artefacts = SecureBucket(self, "Artefacts", rules=[*temporary, _OLD_INDEXES], **common)
        _announce_objects(self.artefacts)
        self.arrivals = WorkQueue(self, "Arrivals", operations=operations)
        self._notify_arrivals()

    def _create_log_bucket(self, operations: Operations) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Logs",
            # S3 cannot write access logs to a bucket that KMS encrypts
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[expiry_rule(operations.environment.access_log_days)],
            removal_policy=operations.removal_policy,
            **private_bucket_options(),
        )
        acknowledge(bucket, "AwsSolutions-S1", "Logging the log bucket would never end")
        return bucket

    def _notify_arrivals(self) -> None:
        """Send a message to the queue for each new dump.

        The policy matches the buckets of this stack by the prefix of their generated names: S3
        requires the policy before it accepts the notification, so it cannot refer to the bucket.
        """
        queue = self.arrivals.queue
        own_buckets = self.format_arn(
            service="s3", region="", account="", resource=f"{self.stack_name.lower()}-*"
        )
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": self.account},
                    "ArnLike": {"aws:SourceArn": own_buckets},
                },
            )
        )
        prefix = s3.CfnBucket.FilterRuleProperty(name="prefix", value=UPLOADS)
        raw = self.raw.node.default_child
        if not isinstance(raw, s3.CfnBucket):
            raise TypeError("the raw bucket has no resource")
        raw.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            # AWS Backup needs it, and would set it by itself until the next deployment
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            ),
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(
                    event="s3:ObjectCreated:*",
                    queue=queue.queue_arn,
                    filter=s3.CfnBucket.NotificationFilterProperty(
                        s3_key=s3.CfnBucket.S3KeyFilterProperty(rules=[prefix])
                    ),
                )
            ],
        )
        raw.node.add_dependency(queue.node.find_child("Policy"))


def _announce_objects(bucket: s3.Bucket) -> None:
    """Send an event to EventBridge for each object, such as a pointer that moved.

    Set on the resource: CDK's own option would add a function that sets it.
    """
    resource = bucket.node.default_child
    if not isinstance(resource, s3.CfnBucket):
        raise TypeError("the bucket has no resource")
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
            event_bridge_enabled=True
        )
    )


def _infrequent_access_rule(days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id="cool",
        transitions=[
            s3.Transition(
                storage_class=s3.StorageClass.INFREQUENT_ACCESS,
                transition_after=Duration.days(days),
            )
        ],
    )


def _intermediate_rule(prefix: str) -> s3.LifecycleRule:
    """Expire intermediate results of a flow: what is final is stored elsewhere."""
    return s3.LifecycleRule(
        id=prefix.strip("/").replace("/", "-"), prefix=prefix, expiration=Duration.days(30)
    )
