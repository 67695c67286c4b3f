"""The locks have the versions of constraints.txt, a hash for each file, and no other source."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement

from cdk.paths import ROOT
from scripts.release.lock_environments import ENVIRONMENTS, HEAD
from scripts.release.write_sbom import canonical_name, read_lock

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONSTRAINTS = {
    canonical_name(name): version
    for name, version in (
        line.split("==") for line in (ROOT / "constraints.txt").read_text().split()
    )
}


def text_of(name):
    return (ROOT / "requirements" / f"{name}.txt").read_text()


def versions_of(name):
    return {canonical_name(package): version for package, version in read_lock(text_of(name))}


def required_by(extras):
    """Names of the direct dependencies of the project and of some extras."""
    lines = list(PROJECT["dependencies"])
    names = set()
    pending = list(extras)
    while pending:
        lines += PROJECT["optional-dependencies"][pending.pop()]
        while lines:
            requirement = Requirement(lines.pop())
            if requirement.name == PROJECT["name"]:
                pending += requirement.extras
            else:
                names.add(canonical_name(requirement.name))
    return names


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_lock_has_the_versions_of_the_constraints(name):
    assert versions_of(name).items() <= CONSTRAINTS.items()


@pytest.mark.parametrize(("name", "extras"), ENVIRONMENTS.items())
def test_a_lock_has_every_package_that_its_extras_name(name, extras):
    assert not required_by(extras) - versions_of(name).keys()


def test_the_largest_lock_has_all_constraints():
    assert versions_of("dev") == CONSTRAINTS
    assert versions_of("local").items() < versions_of("page").items() < CONSTRAINTS.items()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_line_is_a_version_or_a_hash(name):
    head, text = text_of(name)[: len(HEAD)], text_of(name)[len(HEAD) :]
    assert head == HEAD
    line = re.compile(
        r"[\w.\[\],-]+==[^\s;]+( ; [\w '\"<>=!.()]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?"
    )
    assert [x for x in text.splitlines() if not line.fullmatch(x)] == []
    assert all(read_lock(text).values())


def test_all_locks_have_the_same_files():
    largest = read_lock(text_of("dev"))
    for name in ENVIRONMENTS:
        assert read_lock(text_of(name)).items() <= largest.items()
