"""Findings of cfn-lint that the templates themselves acknowledge."""

from aws_cdk import Stack
from constructs import Construct

_REPEATED_DEPENDENCY = "W3005"


def allow_repeated_dependencies(scope: Construct) -> None:
    """Let the templates of all stacks in a scope repeat dependencies.

    CDK makes each function, state machine and proxy depend on its role or cluster with everything
    that belongs to it. Only the dependency on the role or cluster itself is redundant. CDK adds it
    when it writes the template, after the last step in which an application may change resources.
    """
    for construct in scope.node.find_all():
        if isinstance(construct, Stack):
            construct.template_options.metadata = {
                "cfn-lint": {"config": {"ignore_checks": [_REPEATED_DEPENDENCY]}}
            }
