"""Role ARNs in the deployment actions of a pipeline, in the form that cfn-lint accepts."""

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_codepipeline as codepipeline


def substitute_roles(pipeline: codepipeline.Pipeline) -> None:
    """Write the role ARNs of CloudFormation actions with Fn::Sub instead of CDK's Fn::Join.

    cfn-lint reports Fn::Join there as an error (E3703).

    Args:
        pipeline: a pipeline with all its stages.

    Raises:
        TypeError: there is no pipeline resource.
    """
    resource = pipeline.node.default_child
    if not isinstance(resource, codepipeline.CfnPipeline):
        raise TypeError("the pipeline has no resource")
    for i, stage in enumerate(Stack.of(resource).resolve(resource.stages)):
        for j, action in enumerate(stage["actions"]):
            role = (action.get("configuration") or {}).get("RoleArn")
            if isinstance(role, dict) and "Fn::Join" in role:
                path = f"Stages.{i}.Actions.{j}.Configuration.RoleArn"
                resource.add_property_override(f"{path}.Fn::Sub", _sub_text(role["Fn::Join"]))
                resource.add_property_deletion_override(f"{path}.Fn::Join")


def _sub_text(join: list[Any]) -> str:
    delimiter, parts = join
    return str(delimiter).join(
        part if isinstance(part, str) else f"${{{part['Ref']}}}" for part in parts
    )
