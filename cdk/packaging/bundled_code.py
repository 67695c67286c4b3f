"""Function code whose zip is built before synthesis or, if it is missing, by ``cdk deploy``."""

import os
import shutil
import sys
from pathlib import Path

from aws_cdk import FileAssetPackaging, Stack, Stage, aws_lambda, aws_s3
from constructs import Construct

from cdk.packaging.bundles import bundle_hash, bundle_path
from cdk.paths import ROOT

SCRIPT = ROOT / "scripts" / "release" / "bundle_functions.py"


class BundledCode(aws_lambda.Code):
    """The zip of one function, identified by the hash of its inputs.

    An existing bundle in build/ becomes a file of the cloud assembly. If there is none, the
    assembly contains the command that builds it: the CDK command line runs that command only when
    it publishes, and only if the bucket does not have the zip yet. Templates are the same either
    way, so synthesis needs no network and a deployment never uses an incomplete zip.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def bind(self, scope: Construct) -> aws_lambda.CodeConfig:
        """Add the zip to the assembly of the stack that uses it."""
        digest, path = bundle_hash(self._name), bundle_path(self._name)
        synthesizer = Stack.of(scope).synthesizer
        if path.is_file():
            location = synthesizer.add_file_asset(
                source_hash=digest,
                file_name=_copy_into_assembly(path, Stage.of(scope), digest),
                packaging=FileAssetPackaging.FILE,
            )
        else:
            location = synthesizer.add_file_asset(
                source_hash=digest,
                executable=[sys.executable, str(SCRIPT), self._name, "--expect", digest],
            )
        zipped = aws_s3.Location(bucket_name=location.bucket_name, object_key=location.object_key)
        return aws_lambda.CodeConfig(s3_location=zipped)


def _copy_into_assembly(bundle: Path, stage: Stage | None, digest: str) -> str:
    """Copy a bundle into the assembly; returns its path relative to the stage's folder.

    The name has no extension: an asset that a command builds has none either, and the object key
    must be the same for both.
    """
    if stage is None:
        raise ValueError("a function's stack must belong to an App or a Stage")
    target = Path(stage.asset_outdir) / f"bundle-{digest}"
    if not target.is_file():
        shutil.copyfile(bundle, target)
    return os.path.relpath(target, stage.outdir)
