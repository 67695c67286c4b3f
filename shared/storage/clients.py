"""boto3 clients, created on demand and configured by AWS's own environment variables."""

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
_INVOKE_SECONDS = 12
"""Longer than the timeout of the functions that others invoke."""


@cache
def client(service: str) -> Any:
    """Return the thread-safe client of a service, one per process."""
    return boto3.client(service, config=_CONFIG)  # type: ignore[call-overload]


@cache
def function_client() -> Any:
    """Return the Lambda client for requests: it calls once, and waits as long as they may take."""
    once = Config(retries={"mode": "standard", "max_attempts": 1}, read_timeout=_INVOKE_SECONDS)
    return boto3.client("lambda", config=_CONFIG.merge(once))


@cache
def upload_signer() -> Any:
    """Return the S3 client that signs uploads.

    KMS encryption requires Signature Version 4. The regional endpoint is used because the global
    one does not know a new bucket at first.
    """
    regional = Config(signature_version="s3v4", s3={"us_east_1_regional_endpoint": "regional"})
    return boto3.client("s3", config=_CONFIG.merge(regional))
