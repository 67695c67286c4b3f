"""Check that a cloud assembly can go through a pipeline.

    python scripts/release/check_assembly.py [cdk.out]

Other machines publish its assets, so an asset must not be a command of this one, and cdk-assets, in
the version that package.json pins, must know the form of the manifests; images stand on pinned
bases; and CodePipeline hands at most 256 MB to CloudFormation, which gets the whole assembly.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

LIMIT_BYTES = 256 * 10**6
"""Largest input artifact of a CloudFormation action (CodePipeline's quotas)."""

NEWEST_MANIFEST = 54
"""Newest form of asset manifests that the pinned cdk-assets reads. aws-cdk-lib 2.274 and later
write 55, so it is held at 2.273 until a cdk-assets reads that."""


def faults(assembly: Path, limit: int = LIMIT_BYTES) -> Iterator[str]:
    """What is wrong with an assembly, in words."""
    paths = sorted(assembly.rglob("*.assets.json"))
    if not paths:
        yield f"{assembly} has no assets: is it a cloud assembly?"
    manifests = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    yield from sorted({fault for manifest in manifests for fault in _of_assets(manifest)})
    size = sum(path.stat().st_size for path in assembly.rglob("*") if path.is_file())
    if size > limit:
        megabytes = f"{size / 1e6:.0f} MB of at most {limit / 1e6:.0f} MB"
        yield f"the assembly is too large for a CloudFormation action: {megabytes}"


def _of_assets(manifest: Mapping[str, Any]) -> Iterator[str]:
    form = int(manifest["version"].partition(".")[0])
    if form > NEWEST_MANIFEST:
        known = f"{form}, and the pinned cdk-assets reads {NEWEST_MANIFEST}"
        yield f"the manifests of assets have the form {known}: hold aws-cdk-lib or raise both"
    images = manifest.get("dockerImages", {}).values()
    for image in images:
        if "BASE_IMAGE" not in image["source"].get("dockerBuildArgs", {}):
            name = image.get("displayName") or "an image"
            yield f"the base of {name} has no digest: scripts/release/pin_base_images.py finds it"
    for asset in (*manifest.get("files", {}).values(), *images):
        if "executable" in asset["source"]:
            command = " ".join(asset["source"]["executable"][:3])
            yield (
                f"an asset is made by a command: {command}"
                " (scripts/release/bundle_functions.py does)"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the assembly; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    found = list(faults(Path(given[0] if given else "cdk.out")))
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
