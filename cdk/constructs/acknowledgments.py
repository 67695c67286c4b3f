"""Acknowledgments of cdk-nag findings, with reasons."""

import json
from collections.abc import Sequence
from typing import Any

import jsii
from aws_cdk import Acknowledgment, Stack, Validations
from constructs import Construct, IValidation


def acknowledge(scope: Construct, rule: str, reason: str) -> None:
    """Acknowledge a finding at a construct and its children.

    Args:
        scope: the construct.
        rule: such as ``AwsSolutions-S1`` or ``AwsSolutions-IAM5[Resource::*]``.
        reason: why the finding is acceptable; part of the validation report.
    """
    Validations.of(scope).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge_wildcards(scope: Construct, resources: Sequence[str], reason: str) -> None:
    """Acknowledge resources with a wildcard in the policies below ``scope``.

    cdk-nag names a finding after the resource in the template, which is known only when the
    references between stacks are resolved, so the acknowledgment is added during validation.
    """
    scope.node.add_validation(_Wildcards(scope, list(resources), reason))


@jsii.implements(IValidation)
class _Wildcards:
    def __init__(self, scope: Construct, resources: list[str], reason: str) -> None:
        self._scope = scope
        self._resources = resources
        self._reason = reason

    def validate(self) -> list[str]:
        """Called by synthesis when all references are resolved; never returns an error."""
        for resource in Stack.of(self._scope).resolve(self._resources):
            name = nag_resource_name(resource)
            if "*" in name:
                acknowledge(self._scope, f"AwsSolutions-IAM5[Resource::{name}]", self._reason)
        return []


def nag_resource_name(node: Any) -> str:
    """A resource in cdk-nag's notation: ``<Logical.Arn>/prefix/*``."""
    if isinstance(node, str):
        return node.replace("${", "<").replace("}", ">")
    if "Fn::Join" in node:
        delimiter, items = node["Fn::Join"]
        return str(delimiter).join(map(nag_resource_name, items))
    if "Fn::GetAtt" in node:
        return f"<{'.'.join(map(nag_resource_name, node['Fn::GetAtt']))}>"
    if "Fn::ImportValue" in node:
        return nag_resource_name(node["Fn::ImportValue"])
    if "Ref" in node:
        return f"<{node['Ref']}>"
    return json.dumps(node, separators=(",", ":"))
