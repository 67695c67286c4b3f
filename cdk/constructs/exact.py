"""Exact actions, and reasons for wildcard resources, in policies that CDK writes itself."""

from collections.abc import Iterator, Mapping
from typing import Any

import jsii
from aws_cdk import Stack, Stage
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct, IValidation

from cdk.constructs.explained import acknowledge, spelled

_EXACT = {
    "s3:Abort*": ["s3:AbortMultipartUpload"],
    "s3:DeleteObject*": ["s3:DeleteObject"],
    "s3:GetBucket*": ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"],
    "s3:GetObject*": ["s3:GetObject", "s3:GetObjectVersion"],
    "s3:List*": ["s3:ListBucket"],
    "kms:GenerateDataKey*": ["kms:GenerateDataKey"],
    "kms:ReEncrypt*": ["kms:ReEncryptFrom", "kms:ReEncryptTo"],
    # connections are called so since 2024, and a new one wants the action of its own name
    "codestar-connections:UseConnection": [
        "codeconnections:UseConnection",
        "codestar-connections:UseConnection",
    ],
}
"""What a grant of CDK stands for, where artefacts of a pipeline are all that it is for."""


def name_actions(stack: Stack, reasons: Mapping[str, str]) -> None:
    """Replace wildcard actions in the policies of a stack, and explain its wildcard resources.

    CDK Pipelines grants with wildcards and offers no other way. Statements are added until the
    references are made, so it is done then. A wildcard action that is not in the table fails
    synthesis; a wildcard resource without a reason stays a finding of cdk-nag.

    Args:
        stack: whose policies; those of stages below it are left alone.
        reasons: part of a resource as cdk-nag spells it, to why it has a wildcard; the first hit.
    """
    stack.node.add_validation(_Named(stack, reasons))


@jsii.implements(IValidation)
class _Named:
    def __init__(self, stack: Stack, reasons: Mapping[str, str]) -> None:
        self._stack = stack
        self._reasons = reasons

    def validate(self) -> list[str]:
        """Called by synthesis; names the wildcard actions that it cannot replace."""
        unknown: set[str] = set()
        for policy in _policies(self._stack):
            document = self._stack.resolve(policy.policy_document)
            for statement in document["Statement"]:
                if statement["Effect"] == "Deny":
                    continue
                statement["Action"] = _named(_listed(statement["Action"]), unknown)
                for resource in _listed(statement["Resource"]):
                    self._explain(policy, spelled(resource))
            policy.policy_document = document
        return [f"no exact actions are known for {action}" for action in sorted(unknown)]

    def _explain(self, policy: Construct, resource: str) -> None:
        for part, reason in self._reasons.items():
            if "*" in resource and part in resource:
                acknowledge(policy, f"AwsSolutions-IAM5[Resource::{resource}]", reason)
                return


def _policies(stack: Stack) -> Iterator[iam.CfnPolicy | s3.CfnBucketPolicy]:
    for child in stack.node.children:
        if not isinstance(child, Stage):
            found = child.node.find_all()
            kinds = (iam.CfnPolicy, s3.CfnBucketPolicy)
            yield from (each for each in found if isinstance(each, kinds))


def _listed(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node]


def _named(actions: list[str], unknown: set[str]) -> list[str]:
    unknown |= {action for action in actions if "*" in action and action not in _EXACT}
    return sorted({exact for action in actions for exact in _EXACT.get(action, [action])})
