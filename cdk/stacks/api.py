"""The API: one gateway, a function for each service, a firewall in front."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from cdk.constructs.firewall import Firewall
from cdk.constructs.gateway import Gateway
from cdk.constructs.grants import Grant
from cdk.constructs.network import Network
from cdk.constructs.operations import Operations
from cdk.stacks.api_functions import ApiFunctions
from cdk.stacks.collection import CollectionStack
from cdk.stacks.database import DatabaseStack
from cdk.stacks.processing import ProcessingStack
from cdk.stacks.storage import StorageStack


class ApiStack(Stack):
    """firewall -> gateway -> inference, retrieval (S3 alone); the others (PostgreSQL, in the VPC).

    Collection and processing run here a second time, as functions of their own from the same code:
    a request ends within 29 s, while work on a queue's message may take 15 minutes, and a release
    of the API moves step by step. Exports ``gateway``, ``firewall`` and ``functions``.
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
        collection: CollectionStack,
        training_values: Mapping[str, Any] | None = None,
        training_grants: Sequence[Grant] = (),
        **kwargs: Any,
    ) -> None:
        """Wire it.

        Args:
            scope: the stage.
            construct_id: its id there.
            operations: the environment.
            network: where functions reach the database.
            storage: buckets and their key.
            database: how to connect.
            processing: the queues of shards and of index builds.
            collection: settings of the collection code, and its secret.
            training_values: fields of TrainingSettings that jobs are made of; without them /train
                answers 503 and names what is missing.
            training_grants: what starts, describes and stops these jobs.
            kwargs: what else a Stack takes.
        """
        super().__init__(scope, construct_id, **kwargs)
        made = ApiFunctions(
            self,
            operations=operations,
            network=network,
            storage=storage,
            database=database,
            processing=processing,
        )
        self.functions = {
            "inference": made.inference(),
            "retrieval": made.retrieval(),
            "insights": made.insights(),
            "collection": made.collection(collection),
            "processing": made.processing(),
            "training": made.training(training_values or {}, training_grants),
        }
        self.gateway = Gateway(
            self,
            "Gateway",
            operations=operations,
            functions={name: function.alias for name, function in self.functions.items()},
        )
        self.firewall = Firewall(self, "Firewall", operations=operations)
        self.firewall.protect(self.gateway.stage_arn)
        self.url = CfnOutput(
            self, "ApiUrl", value=self.gateway.api.url, description="Where the API is"
        )
        self.key_id = CfnOutput(
            self,
            "ApiKeyId",
            value=self.gateway.key.key_id,
            description="aws apigateway get-api-key --include-value --api-key <this>",
        )
