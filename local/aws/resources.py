"""Buckets, queues, the bucket notification and secrets of the local AWS."""

import json
import os
from typing import Any

from local.credentials import AwsKeys
from local.names import (
    BUCKETS,
    DATABASE_SECRET,
    QUEUES,
    RAW_BUCKET,
    REGION,
    REVIEWER_KEY_SECRET,
    QueuePlan,
)
from shared.storage.layout import UPLOADS


def local_client(service: str, endpoint: str, keys: AwsKeys) -> Any:
    """A boto3 client of the local AWS that ignores the user's AWS variables and profiles."""
    import boto3
    from botocore.config import Config
    from botocore.session import Session

    core = Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    return boto3.session.Session(
        botocore_session=core,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        region_name=REGION,
    ).client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint,
        config=Config(
            proxies={},
            # forms and links, too: botocore would sign them with the older version
            signature_version="s3v4" if service == "s3" else None,
            retries={"mode": "standard", "max_attempts": 3},
            s3={"addressing_style": "path"},
        ),
    )


def create_resources(
    endpoint: str, keys: AwsKeys, *, database: dict[str, str | int], reviewer_key: str
) -> None:
    """Create the resources named in the functions' environment. Idempotent."""
    create_storage(endpoint, keys)
    secretsmanager = local_client("secretsmanager", endpoint, keys)
    _put_secret(secretsmanager, DATABASE_SECRET, database)
    _put_secret(secretsmanager, REVIEWER_KEY_SECRET, {"key": reviewer_key})


def create_storage(endpoint: str, keys: AwsKeys) -> None:
    """Create the buckets and the queues. Idempotent."""
    s3, sqs = local_client("s3", endpoint, keys), local_client("sqs", endpoint, keys)
    for bucket in BUCKETS:
        s3.create_bucket(Bucket=bucket)
    for plan in QUEUES:
        _create_queue(sqs, plan)
    _notify_queue_of_uploads(s3, sqs)


def _create_queue(sqs: Any, plan: QueuePlan) -> None:
    dead_letter_url = sqs.create_queue(QueueName=plan.dead_letter_queue)["QueueUrl"]
    redrive = {
        "deadLetterTargetArn": _queue_arn(sqs, dead_letter_url),
        "maxReceiveCount": plan.max_receive_count,
    }
    sqs.create_queue(
        QueueName=plan.queue,
        Attributes={
            "VisibilityTimeout": str(plan.visibility_seconds),
            "RedrivePolicy": json.dumps(redrive),
        },
    )


def _queue_arn(sqs: Any, url: str) -> str:
    response = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn: str = response["Attributes"]["QueueArn"]
    return arn


def _notify_queue_of_uploads(s3: Any, sqs: Any) -> None:
    url = sqs.get_queue_url(QueueName=QUEUES[0].queue)["QueueUrl"]
    rule = {"Key": {"FilterRules": [{"Name": "prefix", "Value": UPLOADS}]}}
    s3.put_bucket_notification_configuration(
        Bucket=RAW_BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "Id": "uploads",
                    "QueueArn": _queue_arn(sqs, url),
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": rule,
                }
            ]
        },
    )


def _put_secret(secretsmanager: Any, name: str, value: dict[str, Any]) -> None:
    body = json.dumps(value)
    try:
        secretsmanager.create_secret(Name=name, SecretString=body)
    except secretsmanager.exceptions.ResourceExistsException:
        secretsmanager.put_secret_value(SecretId=name, SecretString=body)
