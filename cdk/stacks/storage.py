"""The buckets, and the queue that S3 tells of new dumps."""

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk.constructs.bucket import SecureBucket
from cdk.constructs.explained import acknowledge
from cdk.constructs.operations import Operations
from cdk.constructs.queue import WorkQueue

_REBUILT = s3.LifecycleRule(
    id="indexes", prefix="indexes/", noncurrent_version_expiration=Duration.days(1)
)
"""An index that was retired can be built anew; a large one has gigabytes."""
UPLOADS = "uploads/"
"""Prefix of dumps in the raw bucket (shared/storage/layout.py)."""
WEB_UPLOADS = f"{UPLOADS}web/"
"""Prefix of the dumps that come by an upload which the API signed."""


class StorageStack(Stack):
    """Buckets, their key, and the queue of new dumps.

    Exports ``raw``, ``clean``, ``artefacts`` and ``logs``, the ``key`` of all data, and
    ``arrivals``. The queue stands here since S3's notification is a property of the bucket: with
    the queue in the stack of its function, either stack would wait for the other.
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
        self.logs = self._log_bucket(operations)
        parts: dict[str, Any] = {"operations": operations, "key": self.key, "log_bucket": self.logs}
        self.raw = SecureBucket(
            self, "Raw", rules=[_cool(environment.raw_infrequent_days)], **parts
        )
        self.clean = SecureBucket(self, "Clean", **parts)
        passing = [_gone(prefix) for prefix in ("candidates/", "training/checkpoints/")]
        self.artefacts = SecureBucket(self, "Artefacts", rules=[*passing, _REBUILT], **parts)
        self.arrivals = WorkQueue(self, "Arrivals", operations=operations)
        self._notify()

    def _log_bucket(self, operations: Operations) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Logs",
            versioned=True,
            # S3 writes access logs to no bucket that KMS encrypts
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="expire",
                    expiration=Duration.days(operations.environment.access_log_days),
                    noncurrent_version_expiration=Duration.days(7),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                )
            ],
            removal_policy=operations.removal_policy,
        )
        acknowledge(bucket, "AwsSolutions-S1", "It takes access logs; its own would never end")
        return bucket

    def _notify(self) -> None:
        """Have S3 tell the queue of each new dump.

        The policy names the buckets of this stack by the beginning of their generated names: S3
        wants the policy there before the bucket's notification, so it cannot refer to the bucket.
        """
        queue = self.arrivals.queue
        ours = self.format_arn(
            service="s3", region="", account="", resource=f"{self.stack_name.lower()}-*"
        )
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": self.account},
                    "ArnLike": {"aws:SourceArn": ours},
                },
            )
        )
        prefix = s3.CfnBucket.FilterRuleProperty(name="prefix", value=UPLOADS)
        raw = self.raw.node.default_child
        if not isinstance(raw, s3.CfnBucket):
            raise TypeError("the raw bucket has no resource")
        raw.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(
                    event="s3:ObjectCreated:*",
                    queue=queue.queue_arn,
                    filter=s3.CfnBucket.NotificationFilterProperty(
                        s3_key=s3.CfnBucket.S3KeyFilterProperty(rules=[prefix])
                    ),
                )
            ]
        )
        raw.node.add_dependency(queue.node.find_child("Policy"))


def _cool(days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id="cool",
        transitions=[
            s3.Transition(
                storage_class=s3.StorageClass.INFREQUENT_ACCESS,
                transition_after=Duration.days(days),
            )
        ],
    )


def _gone(prefix: str) -> s3.LifecycleRule:
    """What a training leaves on its way: the registry has copies of what matters."""
    return s3.LifecycleRule(
        id=prefix.strip("/").replace("/", "-"), prefix=prefix, expiration=Duration.days(30)
    )
