"""Check before a deployment that the account has what the templates need; nothing is changed.

    python scripts/release/preflight.py [cdk.out] [--environment dev …]

Reads a cloud assembly (make synth) and, with the credentials of the environment, the account and
region to deploy to. Each line says what was found, and ``do:`` what is to be done. The exit status
is 0 if nothing is missing. Zips are not expected: the deployment builds them.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cdk.environments import ENVIRONMENTS
from scripts.release.account_checks import Finding, check_account
from scripts.release.account_needs import needs_of
from scripts.release.check_assembly import unpinned_images

_EPILOG = "By default all environments, for one account."


def main(arguments: Sequence[str] | None = None) -> int:
    """Check; returns the exit status, 1 if something is missing."""
    parser = argparse.ArgumentParser(description="Check the account.", epilog=_EPILOG)
    parser.add_argument("assembly", nargs="?", type=Path, default=Path("cdk.out"))
    parser.add_argument("--environment", nargs="+", choices=ENVIRONMENTS, default=[*ENVIRONMENTS])
    options = parser.parse_args(arguments)
    try:
        need = needs_of(options.assembly, options.environment)
        session = boto3.Session()
        account = session.client("sts").get_caller_identity()["Account"]
    except (LookupError, BotoCoreError, ClientError) as error:
        print(f"nothing was checked: {error}", file=sys.stderr)
        return 1
    print(f"{', '.join(need.environments)} in account {account}, {session.region_name}")
    findings = [*check_images(options.assembly), *check_account(session.client, need)]
    for finding in findings:
        print(f"{'MISSING' if finding.action else 'ok':8}{finding.subject}: {finding.message}")
        if finding.action:
            print(f"        do: {finding.action}")
    missing = sum(bool(finding.action) for finding in findings)
    print(f"{missing} of {len(findings)} are missing" if missing else "nothing is missing")
    return 1 if missing else 0


def check_images(assembly: Path) -> list[Finding]:
    """Whether the base images of all images are pinned."""
    action = (
        "run .venv/bin/python scripts/release/pin_base_images.py, and commit cdk/base_images.json"
    )
    images = sorted(unpinned_images(assembly))
    if not images:
        return [Finding("images", "all base images are pinned by their digests")]
    return [Finding("images", f"the base image of {', '.join(images)} has no digest", action)]


if __name__ == "__main__":
    sys.exit(main())
