"""Fail on critical findings in the images of a cloud assembly, as ECR or Inspector tell of them.

    python scripts/release/scan_images.py [cdk.out]

Images that nobody has scanned are scanned now. A finding may be accepted for a while, with a
reason: cdk/accepted_findings.json maps its name to {"until": "2027-01-31", "reason": "…"}.
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

ACCEPTED = Path(__file__).resolve().parents[2] / "cdk" / "accepted_findings.json"
FATAL = "CRITICAL"
_DONE = frozenset({"COMPLETE", "ACTIVE"})
"""Of a basic scan, and of Inspector's, which goes on."""
_GOING = frozenset({"IN_PROGRESS", "PENDING"})
_PATIENCE_SECONDS = 1800.0
_PAUSE_SECONDS = 10.0


class ScanError(Exception):
    """An image that could not be scanned."""


@dataclass(frozen=True)
class Image:
    """An image of the assembly, as it lies in ECR."""

    repository: str
    tag: str
    name: str


def images_of(assembly: Path, account: str, region: str) -> list[Image]:
    """The images that the assembly's manifests name, each once, in an account and region."""
    found = set()
    for manifest in assembly.rglob("*.assets.json"):
        told = json.loads(manifest.read_text(encoding="utf-8"))
        for tag, asset in told.get("dockerImages", {}).items():
            for place in asset["destinations"].values():
                repository = place["repositoryName"].replace("${AWS::AccountId}", account)
                repository = repository.replace("${AWS::Region}", region)
                name = asset.get("displayName") or tag[:12]
                found.add(Image(repository, place["imageTag"], name))
    return sorted(found, key=lambda image: (image.name, image.tag))


def findings(ecr: Any, image: Image, patience: float = _PATIENCE_SECONDS) -> list[tuple[str, str]]:
    """(name, severity) of all findings; the scan is started and waited for where need be.

    Raises:
        ScanError: it cannot be scanned, or the scan takes too long.
    """
    wanted = {"repositoryName": image.repository, "imageId": {"imageTag": image.tag}}
    deadline = time.monotonic() + patience
    while True:
        try:
            told = ecr.describe_image_scan_findings(**wanted)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ScanNotFoundException":
                raise ScanError(f"{image.name}: {error}") from error
            _start(ecr, image, wanted)
            told = {"imageScanStatus": {"status": "PENDING"}}
        status = told["imageScanStatus"]
        if status["status"] in _DONE:
            return list(_all(ecr, wanted))
        if status["status"] not in _GOING:
            reason = status.get("description", "no reason given")
            raise ScanError(f"{image.name}: the scan is {status['status']}: {reason}")
        if time.monotonic() > deadline:
            raise ScanError(f"{image.name}: not scanned within {patience:.0f} s")
        time.sleep(_PAUSE_SECONDS)


def _start(ecr: Any, image: Image, wanted: Mapping[str, Any]) -> None:
    try:
        ecr.start_image_scan(**wanted)
    except ClientError as error:
        # one scan a day: it was started, and is not to be seen yet
        if error.response["Error"]["Code"] != "LimitExceededException":
            raise ScanError(f"{image.name}: {error}") from error


def accepted(path: Path, today: date) -> dict[str, str]:
    """Findings that are accepted today, with their reasons.

    Raises:
        ValueError: one lacks its date or its reason.
    """
    told: Mapping[str, Mapping[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    if bad := [name for name, entry in told.items() if not {"until", "reason"} <= entry.keys()]:
        raise ValueError(f"{path.name}: {', '.join(sorted(bad))}: until and reason are needed")
    return {
        name: entry["reason"]
        for name, entry in told.items()
        if date.fromisoformat(entry["until"]) >= today
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Scan what the assembly names; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    session = boto3.Session()
    account = session.client("sts").get_caller_identity()["Account"]
    images = images_of(Path(given[0] if given else "cdk.out"), account, session.region_name)
    excused = accepted(ACCEPTED, datetime.now(UTC).date())
    bad = 0
    for image in images:
        try:
            found = findings(session.client("ecr"), image)
        except ScanError as error:
            print(error)
            bad += 1
            continue
        fatal = sorted({name for name, severity in found if severity == FATAL})
        refused = [name for name in fatal if name not in excused]
        print(f"{image.name}: {len(found)} findings, {len(fatal)} critical")
        print("".join(f"  {name}: {excused.get(name, 'not accepted')}\n" for name in fatal), end="")
        bad += bool(refused)
    return 1 if bad else 0


def _all(ecr: Any, wanted: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for page in ecr.get_paginator("describe_image_scan_findings").paginate(**wanted):
        found = page.get("imageScanFindings", {})
        for entry in found.get("findings", []):
            yield entry["name"], entry["severity"]
        for entry in found.get("enhancedFindings", []):
            name = entry.get("packageVulnerabilityDetails", {}).get("vulnerabilityId")
            yield name or entry["title"], entry["severity"]


if __name__ == "__main__":
    sys.exit(main())
