"""boto3 clients, made on demand; endpoint, region and credentials come from AWS's own variables."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 4},
    connect_timeout=3,
    read_timeout=30,
    max_pool_connections=16,
)


@cache
def client(service: str) -> Any:
    """One thread-safe client per service and process (``AWS_ENDPOINT_URL`` is honoured)."""
    return boto3.client(service, config=_CONFIG)  # type: ignore[call-overload]


@cache
def upload_signer() -> Any:
    """The S3 client that signs uploads.

    Objects are encrypted by KMS, which asks for Signature Version 4; a new bucket is known by its
    regional address alone until the global one has heard of it.
    """
    regional = Config(signature_version="s3v4", s3={"us_east_1_regional_endpoint": "regional"})
    return boto3.client("s3", config=_CONFIG.merge(regional))
