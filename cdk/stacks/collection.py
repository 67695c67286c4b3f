"""Collection: S3 announces a dump, which becomes clean shards, rows and rejects."""

import json
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from cdk.constructs import grants
from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.flow import (
    EXECUTIONS_REASON,
    create_flow,
    execution_arn,
    flow_arn,
    map_grants,
)
from cdk.constructs.function import MAX_MEMORY_MB, ServiceFunction
from cdk.constructs.grants import Grant
from cdk.constructs.network import Network
from cdk.constructs.operations import Operations
from cdk.paths import ROOT
from cdk.stacks.database import DatabaseStack
from cdk.stacks.processing import ProcessingStack, event_grants
from cdk.stacks.storage import PLAN_RESULTS, PLANS, UPLOADS, StorageStack
from lambdas.collection.settings import CollectionSettings

_NO_ROTATION_REASON = (
    "Reviewers' identities are hashed with it: with another key, every reviewer would look new"
)
FLOW = ROOT / "cdk" / "flows" / "collection.asl.json"

_DISK_MB = 10_240
"""Parquet, zip and Excel files are copied to it; it costs only while the function runs."""
_MAX_FILE_BYTES = (_DISK_MB - 256) * 2**20


class CollectionStack(Stack):
    """raw bucket -> arrivals (queue) -> collection -> clean bucket, PostgreSQL, shards (queue).

    Exports ``values`` (without those of the database) and ``grants`` for other functions that run
    the same code.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        network: Network,
        storage: StorageStack,
        database: DatabaseStack,
        processing: ProcessingStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.reviewer_key = self._create_reviewer_key(operations, storage)
        self.values = {
            "raw_bucket": storage.raw.bucket_name,
            "clean_bucket": storage.clean.bucket_name,
            "artefact_bucket": storage.artefacts.bucket_name,
            "reviewer_key_secret_id": self.reviewer_key.secret_arn,
            "collection_queue_url": storage.arrivals.queue.queue_url,
            "processing_queue_url": processing.shards.queue.queue_url,
            "index_queue_url": processing.indexing.queue.queue_url,
            "pictures_queue_url": processing.pictures.queue.queue_url,
            "picture_hosts": operations.environment.picture_hosts,
            "old_version_days": operations.environment.old_version_days,
            "backup_days": operations.environment.longest_backup_days,
        }
        self._flow_name = f"{operations.environment.stage_name}-collection"
        self._flow_arn = flow_arn(self, self._flow_name)
        self.grants = self._grants(storage, database, processing)
        workers = operations.environment.collection_workers
        self.collection = ServiceFunction(
            self,
            "Collection",
            operations=operations,
            asset="collection",
            settings=CollectionSettings,
            values={
                **database.values,
                **self.values,
                "max_file_bytes": _MAX_FILE_BYTES,
                "bulk_machine_arn": self._flow_arn,
                "event_bus": operations.environment.event_bus,
            },
            description="Reads dumps, stores clean rows and rejects, maintains the ledger, sweeps",
            grants=[
                *self.grants,
                *self._bulk_grants(storage),
                *event_grants(self, operations),
            ],
            memory_mb=MAX_MEMORY_MB,
            ephemeral_mb=_DISK_MB,
            # messages, and ranges of huge dumps
            reserved=2 * workers + operations.environment.spare_concurrency,
            network=network,
        )
        self.collection.consume(storage.arrivals, batch_size=1, max_concurrency=workers)
        self._schedule_sweep(operations)
        self.flow = self._create_flow(operations, storage, workers)

    def _create_reviewer_key(
        self, operations: Operations, storage: StorageStack
    ) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            "ReviewerKey",
            description="Key for hashing the identities of reviewers",
            encryption_key=kms.Key.from_key_arn(self, "DataKey", storage.key.key_arn),
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template="{}",  # noqa: S106 - an empty object
                generate_string_key="key",
                password_length=64,
                # only 0 to 9 and a to f remain: 32 bytes in hexadecimal
                exclude_characters="ghijklmnopqrstuvwxyz",
                exclude_uppercase=True,
                exclude_punctuation=True,
                require_each_included_type=False,
            ),
            removal_policy=operations.removal_policy,
        )
        acknowledge(secret, "AwsSolutions-SMG4", _NO_ROTATION_REASON)
        return secret

    def _grants(
        self, storage: StorageStack, database: DatabaseStack, processing: ProcessingStack
    ) -> list[Grant]:
        return [
            *database.grants,
            grants.read_secret(self.reviewer_key),
            grants.list_bucket(storage.raw),
            grants.read_objects(storage.raw, UPLOADS),
            grants.list_bucket(storage.clean),
            grants.write_objects(storage.clean, "reviews/"),
            grants.delete_objects(storage.clean, "reviews/"),
            grants.list_bucket(storage.artefacts),
            grants.read_objects(storage.artefacts, "pointers/"),
            grants.delete_objects(storage.artefacts, "embeddings/"),
            grants.read_objects(storage.artefacts, "pictures/"),
            grants.put_objects(storage.artefacts, "pictures/"),
            grants.delete_objects(storage.artefacts, "pictures/"),
            *self._undo_grants(storage),
            *self._exclusion_grants(storage),
            grants.encrypt(storage.key),
            grants.send_messages(storage.arrivals.queue),
            grants.send_messages(processing.shards.queue),
            grants.send_messages(processing.indexing.queue),
            grants.send_messages(processing.pictures.queue),
        ]

    def _bulk_grants(self, storage: StorageStack) -> list[Grant]:
        """What reading a huge dump in ranges needs in addition."""
        return [
            Grant(["states:StartExecution"], [self._flow_arn]),
            Grant(
                ["states:DescribeExecution"],
                [execution_arn(self, self._flow_name)],
                EXECUTIONS_REASON,
            ),
            grants.read_objects(storage.clean, PLANS),
            grants.put_objects(storage.clean, PLANS),
        ]

    def _create_flow(
        self, operations: Operations, storage: StorageStack, workers: int
    ) -> stepfunctions.StateMachine:
        """The flow that reads a huge dump in ranges, as many at once as there are workers."""
        definition = json.loads(FLOW.read_text())
        definition["States"]["ReadRanges"]["MaxConcurrency"] = workers
        function = self.collection.function.function_arn
        return create_flow(
            self,
            "CollectionFlow",
            operations=operations,
            name=self._flow_name,
            comment="Reads a huge dump in ranges, side by side",
            definition=json.dumps(definition),
            substitutions={
                "CollectionFunction": function,
                "CleanBucket": storage.clean.bucket_name,
            },
            allowed=[
                Grant(["lambda:InvokeFunction"], [function]),
                *map_grants(self, self._flow_name, "ranges"),
                grants.read_objects(storage.clean, PLANS, PLAN_RESULTS),
                grants.write_objects(storage.clean, PLAN_RESULTS),
                grants.encrypt(storage.key),
            ],
            logs_data=False,
        )

    def _undo_grants(self, storage: StorageStack) -> list[Grant]:
        """What removing an upload needs in addition."""
        shards = ("indexes/*/shards.json", "quarantine/objects/*/indexes/*/shards.json")
        return [
            *grants.delete_versions(storage.raw, UPLOADS),
            grants.delete_objects(storage.clean, "quarantine/objects/", PLANS),
            *(grants.read_matching_objects(storage.artefacts, pattern) for pattern in shards),
            grants.read_objects(storage.artefacts, "quarantine/open/"),
            grants.put_objects(storage.artefacts, "forgotten/", "quarantine/healed/"),
            grants.delete_objects(
                storage.artefacts, "forgotten/", "quarantine/objects/", "quarantine/open/"
            ),
        ]

    def _exclusion_grants(self, storage: StorageStack) -> list[Grant]:
        """What writing shards again without some rows needs in addition."""
        return [
            grants.read_objects(storage.clean, "reviews/"),
            grants.read_objects(storage.artefacts, "embeddings/"),
            grants.put_objects(storage.artefacts, "embeddings/"),
        ]

    def _schedule_sweep(self, operations: Operations) -> None:
        """Schedule the sweep, which queues work again whose event was lost.

        The single retry is for a paused database, which the first attempt wakes. A sweep that fails
        needs no other retry: the next one does its work.
        """
        self.collection.function.configure_async_invoke(
            retry_attempts=1, max_event_age=Duration.minutes(30)
        )
        events.Rule(
            self,
            "Sweep",
            description="Starts the sweep, which recovers lost events",
            schedule=events.Schedule.rate(Duration.minutes(operations.environment.sweep_minutes)),
            targets=[
                targets.LambdaFunction(
                    self.collection.function,
                    retry_attempts=0,
                    max_event_age=Duration.minutes(1),
                )
            ],
        )
