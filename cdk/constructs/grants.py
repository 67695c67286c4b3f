"""Permissions with exact actions, where CDK's ``grant_read`` and others use wildcards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs

from cdk.constructs.acknowledgments import acknowledge_wildcards
from shared.schemas.events import INGEST_FINISHED, event_source

_PREFIX_REASON = "a prefix of object keys, which are not known in advance"


@dataclass(frozen=True)
class Grant:
    """Actions on resources; ``wildcard_reason`` explains resources with a wildcard."""

    actions: Sequence[str]
    resources: Sequence[str]
    wildcard_reason: str = ""
    conditions: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any("*" in action for action in self.actions):
            raise ValueError(f"actions must not contain wildcards: {self.actions}")

    def statement(self) -> iam.PolicyStatement:
        """The policy statement."""
        return iam.PolicyStatement(
            actions=list(self.actions),
            resources=list(self.resources),
            conditions=dict(self.conditions) or None,
        )


def attach(role: iam.Role, *grants: Grant) -> None:
    """Add grants to a role, and acknowledge their wildcards."""
    for grant in grants:
        role.add_to_policy(grant.statement())
        if grant.wildcard_reason:
            acknowledge_wildcards(role, grant.resources, grant.wildcard_reason)


def _object_arns(bucket: s3.IBucket, prefixes: Sequence[str]) -> list[str]:
    return [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]


def read_objects(bucket: s3.IBucket, *prefixes: str) -> Grant:
    """Read objects and their metadata under prefixes; ``""`` is the whole bucket."""
    return Grant(["s3:GetObject"], _object_arns(bucket, prefixes), _PREFIX_REASON)


def put_objects(bucket: s3.IBucket, *prefixes: str) -> Grant:
    """Write objects under prefixes, each in a single request."""
    return Grant(["s3:PutObject"], _object_arns(bucket, prefixes), _PREFIX_REASON)


def put_matching_objects(bucket: s3.IBucket, pattern: str) -> Grant:
    """Write objects whose keys match a pattern with ``*``."""
    return Grant(["s3:PutObject"], [bucket.arn_for_objects(pattern)], _PREFIX_REASON)


def write_objects(bucket: s3.IBucket, *prefixes: str) -> Grant:
    """Write objects under prefixes, including multipart uploads."""
    actions = ["s3:PutObject", "s3:AbortMultipartUpload"]
    return Grant(actions, _object_arns(bucket, prefixes), _PREFIX_REASON)


def delete_objects(bucket: s3.IBucket, *prefixes: str) -> Grant:
    """Delete objects under prefixes; their old versions remain."""
    return Grant(["s3:DeleteObject"], _object_arns(bucket, prefixes), _PREFIX_REASON)


def read_matching_objects(bucket: s3.IBucket, pattern: str) -> Grant:
    """Read objects whose keys match a pattern with ``*``."""
    return Grant(["s3:GetObject"], [bucket.arn_for_objects(pattern)], _PREFIX_REASON)


def delete_versions(bucket: s3.IBucket, *prefixes: str) -> list[Grant]:
    """List and delete the versions of objects under prefixes; nothing of them remains."""
    arns = _object_arns(bucket, prefixes)
    return [
        Grant(["s3:ListBucketVersions"], [bucket.bucket_arn]),
        Grant(["s3:DeleteObjectVersion"], arns, _PREFIX_REASON),
    ]


def list_bucket(bucket: s3.IBucket) -> Grant:
    """List keys; also makes S3 answer 404 instead of 403 for a missing object.

    A condition on the prefix would prevent the 404, as a request for an object has no prefix.
    """
    return Grant(["s3:ListBucket"], [bucket.bucket_arn])


def decrypt(key: kms.IKey) -> Grant:
    """Read data that a key encrypts."""
    return Grant(["kms:Decrypt"], [key.key_arn])


def encrypt(key: kms.IKey) -> Grant:
    """Write data that a key encrypts; S3 also decrypts to complete a multipart upload."""
    return Grant(["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])


def send_messages(queue: sqs.IQueue) -> Grant:
    """Send messages, individually or in batches."""
    return Grant(["sqs:SendMessage"], [queue.queue_arn])


def receive_messages(queue: sqs.IQueue) -> Grant:
    """Receive, delay and delete messages, and count them."""
    actions = ["ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage"]
    return Grant([f"sqs:{action}" for action in actions], [queue.queue_arn])


def put_events(bus: str, environment: str) -> Grant:
    """Send the events of finished ingests of an environment to a bus, given its ARN."""
    allowed = {"events:source": event_source(environment), "events:detail-type": INGEST_FINISHED}
    return Grant(["events:PutEvents"], [bus], conditions={"StringEquals": allowed})


def read_secret(secret: secretsmanager.ISecret) -> Grant:
    """Read the current value of a secret."""
    return Grant(["secretsmanager:GetSecretValue"], [secret.secret_arn])
