"""Check that a pipeline can deliver a cloud assembly.

    python scripts/release/check_assembly.py [cdk.out]

The pipeline publishes assets on another machine: no asset may be a command of this machine, and the
pinned cdk-assets (package.json) must support the version of the manifests. Base images must be
pinned. CodePipeline passes the whole assembly to CloudFormation, which accepts at most 256 MB.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

LIMIT_BYTES = 256 * 10**6
"""Maximum size of an input artifact of a CloudFormation action (CodePipeline's quotas)."""

MAX_MANIFEST_VERSION = 54
"""Newest version of asset manifests that the pinned cdk-assets reads. aws-cdk-lib 2.274 and later
write version 55, so aws-cdk-lib stays at 2.273 until a cdk-assets supports it."""


def find_errors(assembly: Path, limit: int = LIMIT_BYTES) -> Iterator[str]:
    """Messages about everything that is wrong with an assembly."""
    paths = sorted(assembly.rglob("*.assets.json"))
    if not paths:
        yield f"{assembly} has no assets: is it a cloud assembly?"
    manifests = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    yield from sorted({error for manifest in manifests for error in _manifest_errors(manifest)})
    for name in sorted(unpinned_images(assembly)):
        yield f"the base image of {name} has no digest: run scripts/release/pin_base_images.py"
    size = sum(path.stat().st_size for path in assembly.rglob("*") if path.is_file())
    if size > limit:
        sizes = f"{size / 1e6:.0f} MB, limit {limit / 1e6:.0f} MB"
        yield f"the assembly is too large for a CloudFormation action: {sizes}"


def unpinned_images(assembly: Path) -> set[str]:
    """Names of the images whose base image is not pinned by its digest."""
    return {
        image.get("displayName") or "an image"
        for path in assembly.rglob("*.assets.json")
        for image in json.loads(path.read_text(encoding="utf-8")).get("dockerImages", {}).values()
        if "BASE_IMAGE" not in image["source"].get("dockerBuildArgs", {})
    }


def _manifest_errors(manifest: Mapping[str, Any]) -> Iterator[str]:
    version = int(manifest["version"].partition(".")[0])
    if version > MAX_MANIFEST_VERSION:
        yield (
            f"the asset manifests have version {version}, but the pinned cdk-assets reads"
            f" {MAX_MANIFEST_VERSION}: pin an older aws-cdk-lib, or update both"
        )
    images = manifest.get("dockerImages", {}).values()
    for asset in (*manifest.get("files", {}).values(), *images):
        if "executable" in asset["source"]:
            command = " ".join(asset["source"]["executable"][:3])
            yield (
                f"an asset is a command of this machine: {command}"
                " (run scripts/release/bundle_functions.py before synthesis)"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the assembly; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    errors = list(find_errors(Path(arguments[0] if arguments else "cdk.out")))
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
