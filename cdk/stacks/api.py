"""The API: a firewall, a gateway and a function for each service."""

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
    """firewall -> gateway -> inference, retrieval (only S3); others (PostgreSQL, in the VPC).

    Collection and processing have separate functions for the API, built from the same code: a
    request must end within 29 s, while a queue message may take 15 minutes, and a release of the
    API is gradual. inference and retrieval invoke image_fetch, which reads pictures of callers.
    The worker of pictures of reviews does, too, so it is here.
    Exports ``gateway``, ``firewall``, ``functions``, ``image_fetch`` and ``review_pictures``.
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
        """Create the stack.

        Args:
            scope: the stage.
            construct_id: its id in the stage.
            operations: the environment.
            network: the network of functions that use the database.
            storage: buckets and their key.
            database: connection settings and grants.
            processing: the queues of shards and of index builds.
            collection: settings of the collection code, and its secret.
            training_values: fields of TrainingSettings that configure jobs; without them /train
                answers 503 and names the missing fields.
            training_grants: permissions to start, describe and stop jobs.
            kwargs: other arguments of Stack.
        """
        super().__init__(scope, construct_id, **kwargs)
        functions = ApiFunctions(
            self,
            operations=operations,
            network=network,
            storage=storage,
            database=database,
            processing=processing,
        )
        self.image_fetch = functions.image_fetch()
        self.review_pictures = functions.review_pictures(self.image_fetch)
        self.functions = {
            "inference": functions.inference(self.image_fetch),
            "retrieval": functions.retrieval(self.image_fetch),
            "insights": functions.insights(),
            "collection": functions.collection(collection),
            "processing": functions.processing(),
            "training": functions.training(training_values or {}, training_grants),
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
            self, "ApiUrl", value=self.gateway.api.url, description="URL of the API"
        )
        if self.gateway.domain:
            CfnOutput(
                self,
                "DomainTarget",
                value=self.gateway.domain.domain_name_alias_domain_name,
                description="Target of the CNAME record of the environment's domain",
            )
        self.key_id = CfnOutput(
            self,
            "ApiKeyId",
            value=self.gateway.key.key_id,
            description="Id for: aws apigateway get-api-key --include-value --api-key <id>",
        )
