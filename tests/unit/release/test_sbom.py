"""The document about an environment: CycloneDX 1.6, the same bytes for the same contents."""

import json
import re
import subprocess
import sys
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from scripts.release import write_sbom

HASHES = ("ab" * 32, "cd" * 32)
SCRIPT = Path(write_sbom.__file__)


class Installed(Distribution):
    """A distribution with the given lines of metadata."""

    def __init__(self, name, version, *lines):
        self.text = "\n".join([f"Name: {name}", f"Version: {version}", *lines]) + "\n"

    def read_text(self, filename):
        return self.text if filename == "METADATA" else None

    def locate_file(self, path):
        raise NotImplementedError


def document(*installed, lock=None, epoch=None):
    return write_sbom.build_document(installed, lock or {}, epoch)


def check_structure(body):
    """What the schema of CycloneDX 1.6 requires of the fields used."""
    assert set(body) == {
        "$schema", "bomFormat", "specVersion", "version", "metadata", "components",
    }  # fmt: skip
    assert (body["bomFormat"], body["specVersion"], body["version"]) == ("CycloneDX", "1.6", 1)
    assert "serialNumber" not in body
    references = [entry["bom-ref"] for entry in body["components"]]
    assert len(set(references)) == len(references)
    for entry in body["components"]:
        assert entry["type"] == "library"
        assert entry["name"]
        assert re.fullmatch(r"pkg:pypi/[a-z0-9-]+@[^+\s]+", entry["purl"])
        licences = entry.get("licenses", [])
        expressions = [x for x in licences if "expression" in x]
        assert not expressions or len(licences) == 1
        assert all(x["license"]["name"] for x in licences if x not in expressions)
        for reference in entry.get("externalReferences", ()):
            assert reference["type"] == "distribution"
            assert reference["url"]
            assert all(x["alg"] == "SHA-256" for x in reference["hashes"])
            assert all(re.fullmatch("[0-9a-f]{64}", x["content"]) for x in reference["hashes"])


def test_an_environment_describes_itself_with_the_same_bytes_each_time(tmp_path):
    for name in ("one.json", "two.json"):
        command = [sys.executable, "-I", str(SCRIPT), str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True, env={})
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    body = json.loads((tmp_path / "one.json").read_text())
    check_structure(body)
    assert "timestamp" not in body["metadata"]
    names = [write_sbom.canonical_name(entry["name"]) for entry in body["components"]]
    assert names == sorted(names)
    assert {"pydantic", "pytest", "numpy"} <= set(names)


def test_the_order_of_the_packages_does_not_matter():
    packages = [Installed("b_c", "1"), Installed("A", "2"), Installed("reviewlens", "0.1.0")]
    body = document(*packages)
    assert body == document(*reversed(packages))
    assert [entry["name"] for entry in body["components"]] == ["A", "b_c"]
    assert body["metadata"]["component"]["type"] == "application"
    assert body["metadata"]["component"]["purl"] == "pkg:pypi/reviewlens@0.1.0"


def test_of_two_packages_with_one_name_the_first_counts():
    (entry,) = document(Installed("a.b", "1"), Installed("a-b", "2"))["components"]
    assert (entry["version"], entry["purl"]) == ("1", "pkg:pypi/a-b@1")


def test_a_local_version_is_escaped_in_the_purl():
    (entry,) = document(Installed("torch", "2.13.0+cpu"))["components"]
    assert (entry["version"], entry["purl"]) == ("2.13.0+cpu", "pkg:pypi/torch@2.13.0%2Bcpu")


@pytest.mark.parametrize(
    ("lines", "licences"),
    [
        (["License-Expression: MIT", "License: other"], [{"expression": "MIT"}]),
        (["License: BSD"], [{"license": {"name": "BSD"}}]),
        (
            ["Classifier: License :: OSI Approved :: MIT License", "License: x"],
            [{"license": {"name": "MIT License"}}],
        ),
        (["Classifier: License :: OSI Approved"], None),
        ([f"License: {'long ' * 50}"], None),
        ([], None),
    ],
    ids=["expression", "name", "classifier", "no name", "whole text", "nothing"],
)
def test_licences_are_recorded_as_the_package_gives_them(lines, licences):
    body = document(Installed("a", "1", *lines))
    check_structure(body)
    assert body["components"][0].get("licenses") == licences


def test_hashes_come_from_the_lock_if_it_has_the_installed_version():
    hashes = " \\\n".join(f"    --hash=sha256:{value}" for value in HASHES)
    text = f"a-b==1 ; os_name != 'x' \\\n{hashes}\n"
    lock = write_sbom.read_lock(f"# written by a tool\n{text}")
    body = document(Installed("a_b", "1"), Installed("c", "2"), lock=lock)
    check_structure(body)
    pinned, other = body["components"]
    (reference,) = pinned["externalReferences"]
    assert [x["content"] for x in reference["hashes"]] == list(HASHES)
    assert "externalReferences" not in other
    assert "externalReferences" not in document(Installed("a_b", "3"), lock=lock)["components"][0]


def test_the_time_is_that_of_source_date_epoch():
    assert document(epoch=0)["metadata"] == {"timestamp": "1970-01-01T00:00:00+00:00"}
