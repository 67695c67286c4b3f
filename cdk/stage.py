"""All stacks of one environment, in dependency order."""

from typing import Any

from aws_cdk import Stage, Tags
from constructs import Construct

from cdk.constructs.lint import allow_repeated_dependencies
from cdk.environments import Environment
from cdk.stacks.acceptance import AcceptanceStack
from cdk.stacks.api import ApiStack
from cdk.stacks.collection import CollectionStack
from cdk.stacks.database import DatabaseStack
from cdk.stacks.foundation import FoundationStack
from cdk.stacks.network import NetworkStack
from cdk.stacks.observability import ObservabilityStack
from cdk.stacks.processing import ProcessingStack
from cdk.stacks.storage import StorageStack
from cdk.stacks.training import TrainingStack

TAG = "reviewlens:environment"
"""Tag of every resource, used by the budget; activate it as a cost allocation tag."""
_UNTAGGED_TYPES = ["AWS::RDS::DBProxyTargetGroup"]
"""Types on which CDK would set tags that CloudFormation rejects."""


class ReviewlensStage(Stage):
    """One environment, deployed by the application or by the delivery pipeline.

    Each stack refers only to stacks created before it. Stack names have the form
    ``reviewlens-<environment>-<stack>``.
    """

    def __init__(self, scope: Construct, *, environment: Environment, **kwargs: Any) -> None:
        super().__init__(scope, environment.stage_name, **kwargs)
        self.environment = environment
        Tags.of(self).add(TAG, environment.name, exclude_resource_types=_UNTAGGED_TYPES)
        protected = environment.keep_data
        self.foundation = FoundationStack(
            self, "foundation", environment=environment, termination_protection=protected
        )
        operations = self.foundation.operations
        self.network = NetworkStack(self, "network", operations=operations)
        self.storage = StorageStack(
            self, "storage", operations=operations, termination_protection=protected
        )
        network = self.network.network
        self.database = DatabaseStack(
            self,
            "database",
            operations=operations,
            network=network,
            data_key=self.storage.key,
            # clean shards are read from the dumps again
            buckets=[self.storage.raw, self.storage.artefacts],
            termination_protection=protected,
        )
        self.processing = ProcessingStack(
            self,
            "processing",
            operations=operations,
            network=network,
            storage=self.storage,
            database=self.database,
        )
        self.collection = CollectionStack(
            self,
            "collection",
            operations=operations,
            network=network,
            storage=self.storage,
            database=self.database,
            processing=self.processing,
        )
        self.training = TrainingStack(
            self,
            "training",
            operations=operations,
            network=network,
            storage=self.storage,
            database=self.database,
            processing=self.processing,
        )
        self.api = ApiStack(
            self,
            "api",
            operations=operations,
            network=network,
            storage=self.storage,
            database=self.database,
            processing=self.processing,
            collection=self.collection,
            training_values=self.training.values,
            training_grants=self.training.grants,
        )
        self.observability = ObservabilityStack(
            self,
            "observability",
            operations=operations,
            storage=self.storage,
            database=self.database,
            processing=self.processing,
            collection=self.collection,
            api=self.api,
            state_machines=[self.training.flow, self.collection.flow],
        )
        self.acceptance = AcceptanceStack(
            self,
            "acceptance",
            operations=operations,
            storage=self.storage,
            api=self.api,
        )
        allow_repeated_dependencies(self)
