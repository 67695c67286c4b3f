"""Build the zips of the functions from our files and wheels for Lambda, without Docker.

    python scripts/release/bundle_functions.py [FUNCTION …] [--expect HASH]

Prints the path of each zip. The CDK command line calls it with one function and a hash when it
publishes a zip that was not built before synthesis.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cdk.packaging.bundles import bundle, bundle_hash
from cdk.packaging.table import ASSETS


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the zips; returns the exit status, 1 if one cannot be built."""
    zips = [name for name, asset in ASSETS.items() if asset.fits_zip]
    parser = argparse.ArgumentParser(description="Build the zips of the functions.")
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help=", ".join(zips))
    parser.add_argument("--expect", help="fail unless the sources have this hash")
    options = parser.parse_args(arguments)
    names = options.functions or [name for name in zips if ASSETS[name].kind == "zip"]
    if unknown := [name for name in names if name not in zips]:
        parser.error(f"cannot be built as a zip: {', '.join(unknown)}")
    for name in names:
        if options.expect and bundle_hash(name) != options.expect:
            print(f"{name}: the sources changed since synthesis; synthesize again", file=sys.stderr)
            return 1
        try:
            print(bundle(name))
        except subprocess.CalledProcessError as error:
            print(f"{name}: pip failed with status {error.returncode}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
