"""Outputs and roles for the steps after a deployment: smoke test and publication of the model."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk.constructs import grants
from cdk.constructs.grants import Grant
from cdk.constructs.operations import Operations
from cdk.environments import Environment
from cdk.stacks.api import ApiStack
from cdk.stacks.storage import TRAINING_DATA, UPLOADS, StorageStack

SMOKE_UPLOADS = f"{UPLOADS}smoke/"
"""Prefix of the dumps that the smoke test uploads."""


class AcceptanceStack(Stack):
    """Exports ``smoke`` and ``publication``: environment variable of the step → stack output.

    The roles have fixed names, so that a pipeline can refer to them before they exist. Where the
    pipeline deploys, its role alone may assume the one that moves the model pointer. The IAM
    policies of the account determine who may assume the others.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        storage: StorageStack,
        api: ApiStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        name = operations.environment.stage_name
        self.smoke_role, self.publication_role = f"{name}-smoke", f"{name}-publication"
        tester = self._create_role(
            "Smoke",
            self.smoke_role,
            "Reads an API key, and uploads small dumps except in production",
            self._trusted(operations.environment, operations.environment.tester_name),
        )
        key = f"arn:{self.partition}:apigateway:{self.region}::/apikeys/{api.gateway.key.key_id}"
        grants.attach(tester, Grant(["apigateway:GET"], [key]))
        if not operations.environment.keep_data:
            # among data that are kept, the smoke test only reads
            grants.attach(
                tester,
                grants.write_objects(storage.raw, SMOKE_UPLOADS),
                grants.encrypt(storage.key),
            )
        publisher = self._create_role(
            "Publication",
            self.publication_role,
            "Publishes models and training data, and moves the model pointer",
            self._trusted(operations.environment, operations.environment.publisher_name),
        )
        grants.attach(
            publisher,
            grants.list_bucket(storage.artefacts),
            grants.read_objects(
                storage.artefacts,
                *("activations/", "indexes/", "models/", "pointers/", "quarantine/"),
            ),
            grants.write_objects(
                storage.artefacts,
                *("activations/", "models/", "pointers/", "quarantine/", TRAINING_DATA),
            ),
            grants.encrypt(storage.key),
        )
        # each output belongs to the stack that creates the value, not to one that imports it
        self.smoke = {
            "API_URL": api.url,
            "API_KEY_ID": api.key_id,
            "RAW_BUCKET": CfnOutput(storage, "RawBucket", value=storage.raw.bucket_name),
            "SMOKE_ROLE_ARN": CfnOutput(self, "SmokeRoleArn", value=tester.role_arn),
        }
        artefacts = CfnOutput(storage, "ArtefactBucket", value=storage.artefacts.bucket_name)
        self.publication = {
            "ARTEFACT_BUCKET": artefacts,
            "PUBLICATION_ROLE_ARN": CfnOutput(self, "PublicationRoleArn", value=publisher.role_arn),
        }

    def _trusted(self, environment: Environment, build: str) -> iam.PrincipalBase:
        """Who may assume a role: where the pipeline deploys, its build's role and operators'.

        They are named in a condition, because a trusted role must exist already, and the pipeline
        may not.
        """
        account = iam.AccountPrincipal(self.account)
        if not environment.delivered:
            return account
        arns = [
            self.format_arn(service="iam", region="", resource="role", resource_name=name)
            for name in (build, *environment.model_operators)
        ]
        return account.with_conditions({"ArnEquals": {"aws:PrincipalArn": arns}})

    def _create_role(
        self, construct_id: str, name: str, description: str, trusted: iam.IPrincipal
    ) -> iam.Role:
        return iam.Role(
            self,
            construct_id,
            role_name=name,
            description=description,
            assumed_by=trusted,
        )
