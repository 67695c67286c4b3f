"""Reasons for what cdk-nag would find."""

import json
from collections.abc import Sequence
from typing import Any

import jsii
from aws_cdk import Acknowledgment, Stack, Validations
from constructs import Construct, IValidation


def acknowledge(scope: Construct, rule: str, reason: str) -> None:
    """Note why a rule's finding is right at a construct and below it.

    Args:
        scope: the construct.
        rule: such as ``AwsSolutions-S1`` or ``AwsSolutions-IAM5[Resource::*]``.
        reason: said in the validation report and to whoever reads the code.
    """
    Validations.of(scope).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge_wildcards(scope: Construct, resources: Sequence[str], reason: str) -> None:
    """Note why the resources of a policy below ``scope`` end in a wildcard.

    cdk-nag names a finding after the resource as the template spells it, which is known once the
    references between stacks are made; so it is noted then.
    """
    scope.node.add_validation(_Wildcards(scope, list(resources), reason))


@jsii.implements(IValidation)
class _Wildcards:
    def __init__(self, scope: Construct, resources: list[str], reason: str) -> None:
        self._scope = scope
        self._resources = resources
        self._reason = reason

    def validate(self) -> list[str]:
        """Called by synthesis when all references are made; finds nothing wrong."""
        for resource in Stack.of(self._scope).resolve(self._resources):
            name = spelled(resource)
            if "*" in name:
                acknowledge(self._scope, f"AwsSolutions-IAM5[Resource::{name}]", self._reason)
        return []


def spelled(node: Any) -> str:
    """A resource as cdk-nag spells it: ``<Logical.Arn>/prefix/*``."""
    if isinstance(node, str):
        return node.replace("${", "<").replace("}", ">")
    if "Fn::Join" in node:
        delimiter, items = node["Fn::Join"]
        return str(delimiter).join(map(spelled, items))
    if "Fn::GetAtt" in node:
        return f"<{'.'.join(map(spelled, node['Fn::GetAtt']))}>"
    if "Fn::ImportValue" in node:
        return spelled(node["Fn::ImportValue"])
    if "Ref" in node:
        return f"<{node['Ref']}>"
    return json.dumps(node, separators=(",", ":"))
