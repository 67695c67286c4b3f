"""Acknowledgments of cdk-nag findings, with reasons."""

import json
from collections.abc import Sequence
from typing import Any, cast

from aws_cdk import Acknowledgment, Reference, Stack, Token, Tokenization, Validations
from constructs import Construct


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

    cdk-nag names a finding after the resource in the template. One of another stack is imported
    there, so it is exported here already, under the name that CDK gives to its own references.
    """
    stack = Stack.of(scope)
    for resource in resources:
        name = nag_resource_name(stack.resolve(_import_references(stack, resource)))
        if "*" in name:
            acknowledge(scope, f"AwsSolutions-IAM5[Resource::{name}]", reason)


def _import_references(stack: Stack, text: str) -> str:
    """The text with an import in place of each reference to another stack."""
    for token in Tokenization.reverse_string(text).tokens:
        if not Reference.is_reference(token):
            continue
        owner = Stack.of(cast("Reference", token).target)
        if owner is not stack:
            text = text.replace(Token.as_string(token), owner.export_value(token))
    return text


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
