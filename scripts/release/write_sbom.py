"""Write what the environment of this Python contains, as a CycloneDX 1.6 document.

    .venv/bin/python -I scripts/release/write_sbom.py build/sbom/venv.cdx.json [--lock FILE]

Needs the standard library alone, so that every environment can describe itself. Two runs in the
same environment write the same bytes: there is no serial number, and no time unless
SOURCE_DATE_EPOCH is set.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

PROJECT = "reviewlens"
_LICENCE_CLASSIFIER = "License :: "
_MAX_LICENCE_LENGTH = 100
"""Older packages have the whole text of the licence in this field."""
Lock = Mapping[tuple[str, str], Sequence[str]]
"""Name and version → SHA-256 of the files that may be installed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the document; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write the contents of this environment.")
    parser.add_argument("output", type=Path, help="file to write")
    parser.add_argument("--lock", type=Path, help="requirements with hashes")
    options = parser.parse_args(arguments)
    lock = read_lock(options.lock.read_text("utf-8")) if options.lock else {}
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    document = build_document(distributions(), lock, int(epoch) if epoch else None)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    print(f"{options.output}: {len(document['components'])} packages")
    return 0


def read_lock(text: str) -> Lock:
    """The hashes of requirements written by lock_environments.py."""
    lock = {}
    for line in text.replace("\\\n", " ").splitlines():
        if match := re.match(r"([\w.-]+)==([^\s;]+)", line):
            hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", line)
            lock[canonical_name(match[1]), match[2]] = hashes
    return lock


def canonical_name(name: str) -> str:
    """The name as the package index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def build_document(
    installed: Iterable[Distribution], lock: Lock, epoch: int | None
) -> dict[str, Any]:
    """The document; components are sorted by name.

    Args:
        installed: the distributions; of several with one name, Python imports the first.
        lock: hashes to record.
        epoch: time of the document in seconds since 1970; None: without a time.
    """
    components: dict[str, dict[str, Any]] = {}
    for distribution in installed:
        components.setdefault(canonical_name(distribution.name), component(distribution, lock))
    project = components.pop(PROJECT, None)
    metadata: dict[str, Any] = {}
    if epoch is not None:
        metadata["timestamp"] = datetime.fromtimestamp(epoch, UTC).isoformat()
    if project:
        metadata["component"] = {**project, "type": "application"}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata,
        "components": [components[name] for name in sorted(components)],
    }


def component(distribution: Distribution, lock: Lock) -> dict[str, Any]:
    """The entry of a distribution."""
    name, version = canonical_name(distribution.name), distribution.version
    purl = f"pkg:pypi/{name}@{version.replace('+', '%2B')}"
    entry: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": distribution.name,
        "version": version,
        "purl": purl,
    }
    if licences := licences_of(distribution):
        entry["licenses"] = licences
    if hashes := lock.get((name, version)):
        entry["externalReferences"] = [
            {
                "type": "distribution",
                "url": purl,
                "comment": "one of the files with these hashes is installed",
                "hashes": [{"alg": "SHA-256", "content": value} for value in hashes],
            }
        ]
    return entry


def licences_of(distribution: Distribution) -> list[dict[str, Any]]:
    """An SPDX expression if there is one, otherwise names as the package gives them."""
    metadata = distribution.metadata
    if expression := metadata.get("License-Expression"):
        return [{"expression": expression}]
    classifiers = [
        value.rpartition(" :: ")[2]
        for value in metadata.get_all("Classifier") or []
        if value.startswith(_LICENCE_CLASSIFIER) and value != "License :: OSI Approved"
    ]
    text = (metadata.get("License") or "").strip()
    if not classifiers and text and "\n" not in text and len(text) <= _MAX_LICENCE_LENGTH:
        classifiers = [text]
    return [{"license": {"name": name}} for name in sorted(set(classifiers))]


if __name__ == "__main__":
    sys.exit(main())
