"""Removal of dependencies that a template repeats."""

from typing import Any

import jsii
from aws_cdk import CfnResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rds as rds
from constructs import Construct, IValidation


def drop_repeated_dependencies(scope: Construct) -> None:
    """Drop the dependency of a resource on a role or cluster to which it already refers.

    CDK makes each function, state machine and proxy depend on its role or cluster with everything
    that belongs to it. Only the dependency on the role or cluster itself is redundant, and cfn-lint
    reports it (W3005). Dependencies are known only when all references are resolved, so they are
    dropped during validation.
    """
    scope.node.add_validation(_RepeatedDependencies(scope))


@jsii.implements(IValidation)
class _RepeatedDependencies:
    def __init__(self, scope: Construct) -> None:
        self._scope = scope

    def validate(self) -> list[str]:
        """Called by synthesis when all dependencies are known; never returns an error."""
        for resource in self._scope.node.find_all():
            kinds = _referenced_kinds(resource)
            if not kinds or not isinstance(resource, CfnResource):
                continue
            for other in resource.obtain_dependencies():
                if isinstance(other, kinds):
                    resource.remove_resource_dependency(other)
        return []


def _referenced_kinds(resource: Any) -> tuple[type[CfnResource], ...]:
    """The kinds of resources to which a resource refers in its properties."""
    if isinstance(resource, rds.CfnDBProxyTargetGroup):
        return (rds.CfnDBCluster,)
    if getattr(resource, "role", None) or getattr(resource, "role_arn", None):
        return (iam.CfnRole,)
    return ()
