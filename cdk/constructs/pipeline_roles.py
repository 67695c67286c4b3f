"""Role names in a pipeline's deployments, spelled as cfn-lint reads them."""

from typing import Any

import jsii
from aws_cdk import Stack
from aws_cdk import aws_codepipeline as codepipeline
from constructs import IValidation


def substitute_roles(pipeline: codepipeline.Pipeline) -> None:
    """Write the roles of CloudFormation actions by Fn::Sub, where CDK joins their parts.

    cfn-lint takes its own hint on joins for an error there (E3703). Actions are rendered when the
    references are made, so it is done then.
    """
    pipeline.node.add_validation(_Substituted(pipeline))


@jsii.implements(IValidation)
class _Substituted:
    def __init__(self, pipeline: codepipeline.Pipeline) -> None:
        self._pipeline = pipeline

    def validate(self) -> list[str]:
        """Called by synthesis; finds nothing wrong."""
        resource = self._pipeline.node.default_child
        if not isinstance(resource, codepipeline.CfnPipeline):
            return ["the pipeline has no resource"]
        for i, stage in enumerate(Stack.of(resource).resolve(resource.stages)):
            for j, action in enumerate(stage["actions"]):
                role = (action.get("configuration") or {}).get("RoleArn")
                if isinstance(role, dict) and "Fn::Join" in role:
                    path = f"Stages.{i}.Actions.{j}.Configuration.RoleArn"
                    resource.add_property_override(f"{path}.Fn::Sub", _text(role["Fn::Join"]))
                    resource.add_property_deletion_override(f"{path}.Fn::Join")
        return []


def _text(join: list[Any]) -> str:
    delimiter, parts = join
    return str(delimiter).join(
        part if isinstance(part, str) else f"${{{part['Ref']}}}" for part in parts
    )
