"""Check that a cloud assembly can go through a pipeline.

    python scripts/check_assembly.py [cdk.out]

Other machines publish its assets, so an asset must not be a command of this one, and cdk-assets, in
the version that package.json pins, must know the form of the manifests; and CodePipeline hands at
most 256 MB to CloudFormation, which gets the whole assembly.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

LIMIT_BYTES = 256 * 10**6
"""Largest input artifact of a CloudFormation action (CodePipeline's quotas)."""

NEWEST_MANIFEST = 54
"""Newest form of asset manifests that the pinned cdk-assets reads. aws-cdk-lib 2.274 and later
write 55, so it is held at 2.273 until a cdk-assets reads that."""


def faults(assembly: Path, limit: int = LIMIT_BYTES) -> Iterator[str]:
    """What is wrong with an assembly, in words."""
    manifests = sorted(assembly.rglob("*.assets.json"))
    if not manifests:
        yield f"{assembly} has no assets: is it a cloud assembly?"
    commands, forms = set(), set()
    for manifest in manifests:
        told = json.loads(manifest.read_text(encoding="utf-8"))
        forms.add(int(told["version"].partition(".")[0]))
        for asset in (*told.get("files", {}).values(), *told.get("dockerImages", {}).values()):
            if "executable" in asset["source"]:
                commands.add(" ".join(asset["source"]["executable"][:3]))
    for command in sorted(commands):
        yield f"an asset is made by a command: {command} (scripts/bundle_functions.py makes it now)"
    if forms and max(forms) > NEWEST_MANIFEST:
        known = f"{max(forms)}, and the pinned cdk-assets reads {NEWEST_MANIFEST}"
        yield f"the manifests of assets have the form {known}: hold aws-cdk-lib or raise both"
    size = sum(path.stat().st_size for path in assembly.rglob("*") if path.is_file())
    if size > limit:
        megabytes = f"{size / 1e6:.0f} MB of at most {limit / 1e6:.0f} MB"
        yield f"the assembly is too large for a CloudFormation action: {megabytes}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the assembly; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    found = list(faults(Path(given[0] if given else "cdk.out")))
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
