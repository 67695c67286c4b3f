"""Dependencies of collection."""

import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from lambdas.collection.reading import Limits
from lambdas.collection.settings import CollectionSettings
from shared.db.access import open_database
from shared.db.connection import Database
from shared.db.ingest.ledger import Ledger
from shared.observability.logs import configure_logging
from shared.schemas.ingest import BULK_BYTES, MAX_REJECT_SHARE, MAX_RUN_ATTEMPTS
from shared.schemas.pictures import MAX_PICTURES_OF_INGEST
from shared.storage.events import EventBus
from shared.storage.machines import StateMachine
from shared.storage.objects import ObjectStore
from shared.storage.queues import MessageQueue


@dataclass(frozen=True)
class Dependencies:
    """Adapters and limits of the collection service."""

    database: Database
    ledger: Ledger
    raw: ObjectStore
    clean: ObjectStore
    artefacts: ObjectStore
    collection_queue: MessageQueue
    processing_queue: MessageQueue
    index_queue: MessageQueue
    reviewer_key: bytes = field(repr=False)
    events: EventBus | None = None
    """Gets the events of finished ingests; None: they are only logged."""
    machine: StateMachine | None = None
    """Reads huge dumps; None: one run after another reads them, too."""
    bulk_bytes: int = BULK_BYTES
    memory_gb: float = 0.0
    """Memory of the function, for the cost of a step."""
    max_object_bytes: int = 50 * 2**30
    max_upload_bytes: int = 2**30
    uploads_at_api: bool = False
    """Whether a proxy takes uploads at the host of the API, and forwards them to S3."""
    old_version_days: int = 0
    backup_days: int = 0
    picture_queue: MessageQueue | None = None
    """None: the pictures of reviews are not fetched."""
    max_ingest_pictures: int = MAX_PICTURES_OF_INGEST
    batch_rows: int = 10_000
    max_run_seconds: float = 900.0
    max_run_attempts: int = MAX_RUN_ATTEMPTS
    max_reject_share: float = MAX_REJECT_SHARE
    limits: Limits = field(default_factory=Limits)


@cache
def build_dependencies() -> Dependencies:
    """Build the AWS and PostgreSQL adapters once per process, from the environment."""
    from shared.storage.clients import client, upload_signer
    from shared.storage.events import open_event_bus
    from shared.storage.machines import StepFunction
    from shared.storage.objects import S3Store
    from shared.storage.queues import SqsQueue
    from shared.storage.secrets import read_secret

    settings = CollectionSettings()
    configure_logging("collection", settings.log_level)
    secrets, s3, sqs = client("secretsmanager"), client("s3"), client("sqs")
    database, arn = open_database(settings), settings.bulk_machine_arn
    return Dependencies(
        database=database,
        ledger=Ledger(database),
        raw=S3Store(s3, settings.raw_bucket, signer=upload_signer),
        clean=S3Store(s3, settings.clean_bucket),
        artefacts=S3Store(s3, settings.artefact_bucket),
        collection_queue=SqsQueue(sqs, settings.collection_queue_url),
        processing_queue=SqsQueue(sqs, settings.processing_queue_url),
        index_queue=SqsQueue(sqs, settings.index_queue_url),
        reviewer_key=bytes.fromhex(read_secret(secrets, settings.reviewer_key_secret_id)["key"]),
        events=open_event_bus(settings.event_bus, settings.environment),
        machine=StepFunction(client("stepfunctions"), arn) if arn else None,
        bulk_bytes=settings.bulk_bytes,
        memory_gb=int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0")) / 1024,
        max_object_bytes=settings.max_object_bytes,
        max_upload_bytes=settings.max_upload_bytes,
        uploads_at_api=settings.uploads_at_api,
        old_version_days=settings.old_version_days,
        backup_days=settings.backup_days,
        picture_queue=_picture_queue(settings, sqs),
        max_ingest_pictures=settings.max_ingest_pictures,
        batch_rows=settings.batch_rows,
        max_run_seconds=settings.max_run_seconds,
        max_run_attempts=settings.max_run_attempts,
        max_reject_share=settings.max_reject_share,
        limits=Limits(
            max_file_bytes=settings.max_file_bytes,
            cpu_seconds_per_mb=settings.cpu_seconds_per_mb,
            cpu_seconds_floor=settings.cpu_seconds_floor,
        ),
    )


def _picture_queue(settings: CollectionSettings, sqs: Any) -> MessageQueue | None:
    from shared.storage.queues import SqsQueue

    if not settings.picture_hosts or not settings.pictures_queue_url:
        return None
    return SqsQueue(sqs, settings.pictures_queue_url)
