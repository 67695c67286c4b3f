"""Fail on critical findings of ECR or Inspector in the images of a cloud assembly.

    python scripts/release/scan_images.py [cdk.out]

Starts a scan for images without one. A finding may be accepted until a date, with a reason:
cdk/accepted_findings.json maps its name to {"until": "2027-01-31", "reason": "…"}.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cdk.paths import ROOT

ACCEPTED_FINDINGS = ROOT / "cdk" / "accepted_findings.json"
FATAL_SEVERITY = "CRITICAL"
_DONE = frozenset({"COMPLETE", "ACTIVE"})
"""Status of a finished basic scan, and of Inspector's continuous scan."""
_RUNNING = frozenset({"IN_PROGRESS", "PENDING"})
_TIMEOUT_SECONDS = 1800.0
_PAUSE_SECONDS = 10.0


class ScanError(Exception):
    """An image that could not be scanned."""


@dataclass(frozen=True)
class Image:
    """An image of the assembly in ECR."""

    repository: str
    tag: str
    name: str


def images_of(assembly: Path, account: str, region: str) -> list[Image]:
    """The images in the manifests of an assembly, without repetitions."""
    images = set()
    for path in assembly.rglob("*.assets.json"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        for tag, asset in manifest.get("dockerImages", {}).items():
            for destination in asset["destinations"].values():
                repository = destination["repositoryName"].replace("${AWS::AccountId}", account)
                repository = repository.replace("${AWS::Region}", region)
                name = asset.get("displayName") or tag[:12]
                images.add(Image(repository, destination["imageTag"], name))
    return sorted(images, key=lambda image: (image.name, image.tag))


def scan(ecr: Any, image: Image, timeout: float = _TIMEOUT_SECONDS) -> list[tuple[str, str]]:
    """(name, severity) of all findings; starts a scan if necessary and waits for it.

    Raises:
        ScanError: the scan fails or takes too long.
    """
    target = {"repositoryName": image.repository, "imageId": {"imageTag": image.tag}}
    deadline = time.monotonic() + timeout
    while True:
        status = _scan_status(ecr, image, target)
        if status["status"] in _DONE:
            return list(_all_findings(ecr, target))
        if status["status"] not in _RUNNING:
            reason = status.get("description", "no reason given")
            raise ScanError(f"{image.name}: the scan is {status['status']}: {reason}")
        if time.monotonic() > deadline:
            raise ScanError(f"{image.name}: not scanned within {timeout:.0f} s")
        time.sleep(_PAUSE_SECONDS)


def _scan_status(ecr: Any, image: Image, target: Mapping[str, Any]) -> dict[str, str]:
    try:
        status: dict[str, str] = ecr.describe_image_scan_findings(**target)["imageScanStatus"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ScanNotFoundException":
            raise ScanError(f"{image.name}: {error}") from error
        _start(ecr, image, target)
        return {"status": "PENDING"}
    return status


def _start(ecr: Any, image: Image, target: Mapping[str, Any]) -> None:
    try:
        ecr.start_image_scan(**target)
    except ClientError as error:
        # one scan a day is allowed: it has been started but is not visible yet
        if error.response["Error"]["Code"] != "LimitExceededException":
            raise ScanError(f"{image.name}: {error}") from error


def accepted(path: Path, today: date) -> dict[str, str]:
    """Findings that are accepted today, with their reasons.

    Raises:
        ValueError: a finding has no date or no reason.
    """
    entries: Mapping[str, Mapping[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    if bad := [name for name, entry in entries.items() if not {"until", "reason"} <= entry.keys()]:
        raise ValueError(f"{path.name}: {', '.join(sorted(bad))}: until and reason are required")
    return {
        name: entry["reason"]
        for name, entry in entries.items()
        if date.fromisoformat(entry["until"]) >= today
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Scan the images of an assembly; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    session = boto3.Session()
    account = session.client("sts").get_caller_identity()["Account"]
    assembly = Path(arguments[0] if arguments else "cdk.out")
    exceptions = accepted(ACCEPTED_FINDINGS, datetime.now(UTC).date())
    failures = 0
    for image in images_of(assembly, account, session.region_name):
        try:
            findings = scan(session.client("ecr"), image)
        except ScanError as error:
            print(error)
            failures += 1
            continue
        fatal = sorted({name for name, severity in findings if severity == FATAL_SEVERITY})
        print(f"{image.name}: {len(findings)} findings, {len(fatal)} critical")
        for name in fatal:
            print(f"  {name}: {exceptions.get(name, 'not accepted')}")
        failures += any(name not in exceptions for name in fatal)
    return 1 if failures else 0


def _all_findings(ecr: Any, target: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for page in ecr.get_paginator("describe_image_scan_findings").paginate(**target):
        findings = page.get("imageScanFindings", {})
        for entry in findings.get("findings", []):
            yield entry["name"], entry["severity"]
        for entry in findings.get("enhancedFindings", []):
            name = entry.get("packageVulnerabilityDetails", {}).get("vulnerabilityId")
            yield name or entry["title"], entry["severity"]


if __name__ == "__main__":
    sys.exit(main())
