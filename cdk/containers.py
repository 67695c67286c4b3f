"""The application of the containers: ``python -m cdk.containers`` synthesizes their stack.

It is separate from ``cdk.app``: whoever deploys it has no other stack, or all of them.
"""

from typing import TYPE_CHECKING

from cdk.app import feature_flags, use_packaged_node

if TYPE_CHECKING:
    from aws_cdk import App

STACK_NAME = "reviewlens-containers"


def build(*, outdir: str | None = None) -> "App":
    """Create the application.

    Args:
        outdir: folder for the template; by default CDK_OUTDIR, which the CDK command line sets.
    """
    from aws_cdk import App, Validations
    from cdk_nag import AwsSolutionsChecks

    from cdk.constructs.lint import allow_repeated_dependencies
    from cdk.stacks.containers import ContainersStack

    app = App(outdir=outdir, context=feature_flags(), analytics_reporting=False)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    ContainersStack(app, STACK_NAME, description="Reviewlens as containers on Fargate")
    allow_repeated_dependencies(app)
    return app


if __name__ == "__main__":
    use_packaged_node()
    build().synth()
