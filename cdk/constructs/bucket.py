"""A bucket as all of them are."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk.constructs.operations import Operations

_PARTS_DAYS = 7


class SecureBucket(s3.Bucket):
    """Versioned, encrypted, private, TLS only, with access logs; old versions expire."""

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
        """Make it.

        Args:
            scope: where it belongs.
            construct_id: its id there; access logs go below it in the log bucket.
            operations: what becomes of it, and how long old versions stay.
            key: encrypts objects, by a bucket key, so that KMS is not asked for each.
            log_bucket: takes the access logs.
            rules: lifecycle rules beside those that all buckets have.
        """
        super().__init__(
            scope,
            construct_id,
            versioned=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            server_access_logs_bucket=log_bucket,
            server_access_logs_prefix=f"{construct_id.lower()}/",
            lifecycle_rules=[_tidy(operations.environment.old_version_days), *rules],
            removal_policy=operations.removal_policy,
        )


def _tidy(days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id="tidy",
        abort_incomplete_multipart_upload_after=Duration.days(_PARTS_DAYS),
        noncurrent_version_expiration=Duration.days(days),
        expired_object_delete_marker=True,
    )
