"""What CDK hands to Lambda for a function: its zip or its image."""

from aws_cdk import aws_ecr, aws_ecr_assets, aws_lambda

from cdk.packaging.bundled_code import BundledCode
from cdk.packaging.images import build_args, context_of
from cdk.packaging.table import asset_of, handler_of


def code_for(name: str) -> aws_lambda.Code:
    """The zip of a function, for ``aws_lambda.Function(code=…, handler=handler_of(name))``.

    Synthesis needs neither network nor Docker: where no bundle lies below build/, the CDK command
    line makes it when it deploys (cdk/packaging/bundled_code.py).

    Raises:
        LookupError: there is no such function, or it does not fit into a zip.
    """
    if not asset_of(name).as_zip:
        raise LookupError(f"{name} does not fit into a zip: use image_for")
    return BundledCode(name)


def image_for(
    name: str, *, repository: aws_ecr.IRepository | None = None, digest: str = ""
) -> aws_lambda.DockerImageCode:
    """The image of a function, for ``aws_lambda.DockerImageFunction(code=…)``.

    Args:
        name: the function; its image may hold others, and the command says which one runs.
        repository: where a built image lies that is to be promoted as it is.
        digest: ``sha256:…`` of that image. Without one, CDK builds the image from its context.

    Raises:
        LookupError: there is no such function, or it ships as a zip.
    """
    asset = asset_of(name)
    if not asset.image:
        raise LookupError(f"{name} is no image: use code_for")
    command = [handler_of(name)]
    if repository is not None and digest:
        return aws_lambda.DockerImageCode.from_ecr(repository, tag_or_digest=digest, cmd=command)
    return aws_lambda.DockerImageCode.from_image_asset(
        str(context_of(asset.image)),
        cmd=command,
        asset_name=f"reviewlens-{asset.image}",
        build_args=build_args(asset.image),
        platform=aws_ecr_assets.Platform.LINUX_AMD64,
    )
