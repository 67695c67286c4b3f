"""The code of a function as CDK passes it to Lambda: a zip or an image."""

from aws_cdk import aws_ecr, aws_ecr_assets, aws_lambda

from cdk.packaging.bundled_code import BundledCode
from cdk.packaging.images import build_args, build_context
from cdk.packaging.table import asset_of, handler_of


def code_for(name: str) -> aws_lambda.Code:
    """The zip of a function, for ``aws_lambda.Function(code=…, handler=handler_of(name))``.

    Synthesis needs neither network nor Docker: if there is no bundle in build/, the CDK command
    line creates it at deployment (cdk/packaging/bundled_code.py).

    Raises:
        LookupError: there is no such function, or it does not fit into a zip.
    """
    if not asset_of(name).fits_zip:
        raise LookupError(f"{name} does not fit into a zip: use image_for")
    return BundledCode(name)


def image_for(
    name: str, *, repository: aws_ecr.IRepository | None = None, digest: str = ""
) -> aws_lambda.DockerImageCode:
    """The image of a function, for ``aws_lambda.DockerImageFunction(code=…)``.

    Args:
        name: the function; functions that share an image differ in their command.
        repository: the repository of an existing image that is promoted unchanged.
        digest: ``sha256:…`` of that image. Without it, CDK builds the image from its context.

    Raises:
        LookupError: there is no such function, or it is deployed as a zip.
    """
    asset = asset_of(name)
    if not asset.image:
        raise LookupError(f"{name} is not deployed as an image: use code_for")
    command = [handler_of(name)]
    if repository is not None and digest:
        return aws_lambda.DockerImageCode.from_ecr(repository, tag_or_digest=digest, cmd=command)
    return aws_lambda.DockerImageCode.from_image_asset(
        str(build_context(asset.image)),
        cmd=command,
        asset_name=f"reviewlens-{asset.image}",
        build_args=build_args(asset.image),
        platform=aws_ecr_assets.Platform.LINUX_AMD64,
    )
