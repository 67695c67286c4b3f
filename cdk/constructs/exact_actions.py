"""Exact actions, and reasons for wildcard resources, in the policies that CDK generates."""

from collections.abc import Mapping
from typing import Any

import jsii
from aws_cdk import AspectPriority, Aspects, IAspect, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct, IValidation

from cdk.constructs.acknowledgments import acknowledge, nag_resource_name

_EXACT_ACTIONS = {
    "s3:Abort*": ["s3:AbortMultipartUpload"],
    "s3:DeleteObject*": ["s3:DeleteObject"],
    "s3:GetBucket*": ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"],
    "s3:GetObject*": ["s3:GetObject", "s3:GetObjectVersion"],
    "s3:List*": ["s3:ListBucket"],
    "kms:GenerateDataKey*": ["kms:GenerateDataKey"],
    "kms:ReEncrypt*": ["kms:ReEncryptFrom", "kms:ReEncryptTo"],
    # the service was renamed in 2024, and new connections need the action under its new name
    "codestar-connections:UseConnection": [
        "codeconnections:UseConnection",
        "codestar-connections:UseConnection",
    ],
}
"""Wildcard action of a CDK grant → the actions that the artefacts of a pipeline need."""


def replace_wildcard_actions(stack: Stack, reasons: Mapping[str, str]) -> None:
    """Replace wildcard actions in the policies of a stack, and explain its wildcard resources.

    CDK Pipelines always grants with wildcards. The replacement is an aspect that runs after all
    others, when the policies are complete. A wildcard action that is not in the table fails
    synthesis; a wildcard resource without a reason remains a finding of cdk-nag.

    Args:
        stack: the stack to change; stages inside it are not changed.
        reasons: part of a resource in cdk-nag's notation → the reason for its wildcard; the first
            match applies.
    """
    replacement = _ActionReplacement(stack, reasons)
    Aspects.of(stack).add(replacement, priority=AspectPriority.READONLY + 1)
    stack.node.add_validation(_UnknownActions(replacement))


@jsii.implements(IValidation)
class _UnknownActions:
    def __init__(self, replacement: "_ActionReplacement") -> None:
        self._replacement = replacement

    def validate(self) -> list[str]:
        """Called by synthesis; returns an error for each action that was not replaced."""
        unknown = sorted(self._replacement.unknown)
        return [f"no exact actions are known for {action}" for action in unknown]


@jsii.implements(IAspect)
class _ActionReplacement:
    def __init__(self, stack: Stack, reasons: Mapping[str, str]) -> None:
        self._stack = stack
        self._reasons = reasons
        self.unknown: set[str] = set()

    def visit(self, node: IConstruct) -> None:
        """Called for each construct below the stack; changes the policies of the stack itself."""
        if isinstance(node, (iam.CfnPolicy, s3.CfnBucketPolicy)) and Stack.of(node) is self._stack:
            self._replace(node)

    def _replace(self, policy: iam.CfnPolicy | s3.CfnBucketPolicy) -> None:
        document = self._stack.resolve(policy.policy_document)
        for statement in document["Statement"]:
            if statement["Effect"] == "Deny":
                continue
            statement["Action"] = _exact_actions(_as_list(statement["Action"]), self.unknown)
            for resource in _as_list(statement["Resource"]):
                self._acknowledge_wildcard(policy, nag_resource_name(resource))
        policy.policy_document = document

    def _acknowledge_wildcard(self, policy: Construct, resource: str) -> None:
        for part, reason in self._reasons.items():
            if "*" in resource and part in resource:
                acknowledge(policy, f"AwsSolutions-IAM5[Resource::{resource}]", reason)
                return


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _exact_actions(actions: list[str], unknown: set[str]) -> list[str]:
    """The actions without wildcards; those that are not in the table are added to ``unknown``."""
    unknown |= {action for action in actions if "*" in action and action not in _EXACT_ACTIONS}
    return sorted({exact for action in actions for exact in _EXACT_ACTIONS.get(action, [action])})
