"""Leaves out of templates what they say twice."""

from typing import Any

import jsii
from aws_cdk import CfnResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rds as rds
from constructs import Construct, IValidation


def drop_repeated_dependencies(scope: Construct) -> None:
    """Drop the dependency of a resource on a role or cluster that it names anyway.

    CDK adds one to each function, state machine and proxy, for the sake of what else belongs to the
    role or the cluster, which stays a dependency; cfn-lint finds the other (W3005). Dependencies
    are known once the references are made, so it is done then.
    """
    scope.node.add_validation(_Repeated(scope))


@jsii.implements(IValidation)
class _Repeated:
    def __init__(self, scope: Construct) -> None:
        self._scope = scope

    def validate(self) -> list[str]:
        """Called by synthesis when all dependencies are made; finds nothing wrong."""
        for resource in self._scope.node.find_all():
            named = _named_by(resource)
            if not named or not isinstance(resource, CfnResource):
                continue
            for other in resource.obtain_dependencies():
                if isinstance(other, named):
                    resource.remove_resource_dependency(other)
        return []


def _named_by(resource: Any) -> tuple[type[CfnResource], ...]:
    """The kinds of resources that this one refers to in its properties."""
    if isinstance(resource, rds.CfnDBProxyTargetGroup):
        return (rds.CfnDBCluster,)
    if getattr(resource, "role", None) or getattr(resource, "role_arn", None):
        return (iam.CfnRole,)
    return ()
