"""Permissions with exact actions: what ``grant_read`` and its kin say with wildcards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs

from cdk.constructs.explained import acknowledge_wildcards

_PREFIX = "a prefix of keys, which are not known before they are written"


@dataclass(frozen=True)
class Grant:
    """Actions on resources; ``why`` gives the reason where a resource has a wildcard."""

    actions: Sequence[str]
    resources: Sequence[str]
    why: str = ""
    conditions: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any("*" in action for action in self.actions):
            raise ValueError(f"actions must be named one by one: {self.actions}")

    def statement(self) -> iam.PolicyStatement:
        """The policy statement."""
        return iam.PolicyStatement(
            actions=list(self.actions),
            resources=list(self.resources),
            conditions=dict(self.conditions) or None,
        )


def give(role: iam.Role, *grants: Grant) -> None:
    """Add grants to a role, with their reasons."""
    for grant in grants:
        role.add_to_policy(grant.statement())
        if grant.why:
            acknowledge_wildcards(role, grant.resources, grant.why)


def _below(bucket: s3.IBucket, prefixes: Sequence[str]) -> list[str]:
    return [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]


def read_objects(bucket: s3.IBucket, *prefixes: str) -> Grant:
    """Read and describe objects under prefixes; ``""`` is the whole bucket."""
    return Grant(["s3:GetObject"], _below(bucket, prefixes), _PREFIX)


def put_objects(bucket: s3.IBucket, *prefixes: str) -> Grant:
    """Write objects under prefixes, each by one request."""
    return Grant(["s3:PutObject"], _below(bucket, prefixes), _PREFIX)


def write_objects(bucket: s3.IBucket, *prefixes: str) -> Grant:
    """Write objects under prefixes, in parts as well."""
    actions = ["s3:PutObject", "s3:AbortMultipartUpload"]
    return Grant(actions, _below(bucket, prefixes), _PREFIX)


def delete_objects(bucket: s3.IBucket, *prefixes: str) -> Grant:
    """Delete objects under prefixes; versions that were there stay."""
    return Grant(["s3:DeleteObject"], _below(bucket, prefixes), _PREFIX)


def list_bucket(bucket: s3.IBucket) -> Grant:
    """List keys, and be told 404 of an object that is not there, where S3 else answers 403.

    A condition on the prefix would keep the 404 away: a request for an object has none.
    """
    return Grant(["s3:ListBucket"], [bucket.bucket_arn])


def decrypt(key: kms.IKey) -> Grant:
    """Read what a key encrypts."""
    return Grant(["kms:Decrypt"], [key.key_arn])


def encrypt(key: kms.IKey) -> Grant:
    """Write what a key encrypts; S3 also decrypts when it joins the parts of an upload."""
    return Grant(["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])


def send_to(queue: sqs.IQueue) -> Grant:
    """Send messages, alone or in batches."""
    return Grant(["sqs:SendMessage"], [queue.queue_arn])


def receive_from(queue: sqs.IQueue) -> Grant:
    """What an event source mapping needs of its function's role."""
    actions = [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes",
    ]
    return Grant(actions, [queue.queue_arn])


def read_secret(secret: secretsmanager.ISecret) -> Grant:
    """Read the current value of a secret."""
    return Grant(["secretsmanager:GetSecretValue"], [secret.secret_arn])
