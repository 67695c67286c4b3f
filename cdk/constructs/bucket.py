"""The bucket construct of the data buckets, and the options that all buckets share."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk.constructs.operations import Operations

_INCOMPLETE_UPLOAD_DAYS = 7
_EXPIRED_VERSION_DAYS = 7


def private_bucket_options() -> dict[str, Any]:
    """Options of every bucket: versioned, private, TLS only."""
    return {
        "versioned": True,
        "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
        "object_ownership": s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        "enforce_ssl": True,
        "minimum_tls_version": 1.2,
    }


def expiry_rule(days: int) -> s3.LifecycleRule:
    """A rule that deletes all objects of a bucket after some days."""
    return s3.LifecycleRule(
        id="expire",
        expiration=Duration.days(days),
        noncurrent_version_expiration=Duration.days(_EXPIRED_VERSION_DAYS),
        abort_incomplete_multipart_upload_after=Duration.days(_INCOMPLETE_UPLOAD_DAYS),
    )


class SecureBucket(s3.Bucket):
    """A versioned, encrypted, private, TLS-only bucket with access logs; old versions expire."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        key: kms.IKey,
        log_bucket: s3.IBucket,
        rules: Sequence[s3.LifecycleRule] = (),
    ) -> None:
        """Create the bucket.

        Args:
            scope: the parent construct.
            construct_id: its id in the scope, also the prefix of its access logs.
            operations: removal policy and retention of old versions.
            key: encrypts objects through a bucket key, which saves KMS requests.
            log_bucket: receives the access logs.
            rules: lifecycle rules in addition to the common one.
        """
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            server_access_logs_bucket=log_bucket,
            server_access_logs_prefix=f"{construct_id.lower()}/",
            lifecycle_rules=[_cleanup_rule(operations.environment.old_version_days), *rules],
            removal_policy=operations.removal_policy,
            **private_bucket_options(),
        )


def _cleanup_rule(old_version_days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id="tidy",
        abort_incomplete_multipart_upload_after=Duration.days(_INCOMPLETE_UPLOAD_DAYS),
        noncurrent_version_expiration=Duration.days(old_version_days),
        expired_object_delete_marker=True,
    )
