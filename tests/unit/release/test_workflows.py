"""Workflows of GitHub: pinned actions, least permissions, and the commands of the Makefile."""

import re
import shlex

import pytest
import yaml

from cdk.paths import ROOT

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(path.name for path in FOLDER.glob("*.yml"))
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40}$")
SECRETS_OF = {"space.yml": {"HF_TOKEN"}, "release.yml": {"DOCKER_PASSWORD"}}
PUBLISHES = ("release.yml", "publish")
"""The job that writes to the repository: it runs no code of the repository."""
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def jobs(name):
    return yaml.safe_load((FOLDER / name).read_text())["jobs"]


def steps(name):
    return [step for job in jobs(name).values() for step in job["steps"]]


def parts():
    return jobs("ci.yml")["test"]["strategy"]["matrix"]["part"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_by_commit_with_its_version(name):
    used = [step["uses"] for step in steps(name) if "uses" in step]
    assert used
    assert [action for action in used if not PINNED.match(action)] == []
    lines = [line for line in (FOLDER / name).read_text().splitlines() if "uses:" in line]
    assert [line for line in lines if not re.search(r" # v\d+\.\d+\.\d+$", line)] == []


def test_workflows_use_one_version_of_an_action():
    versions = {}
    for name in WORKFLOWS:
        for step in steps(name):
            action, _, commit = step.get("uses", "").partition("@")
            owner = "/".join(action.split("/")[:2])
            versions.setdefault(owner, set()).add(commit)
    assert {owner: found for owner, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_jobs_get_only_the_permissions_that_they_name_and_end(name):
    workflow = yaml.safe_load((FOLDER / name).read_text())
    assert workflow["permissions"] == {}
    for job_name, job in workflow["jobs"].items():
        publishes = (name, job_name) == PUBLISHES
        assert job["permissions"]["contents"] == ("write" if publishes else "read")
        assert "write-all" not in job["permissions"].values()
        assert job["timeout-minutes"] <= 30


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_checkout_keeps_its_token(name):
    checkouts = [step for step in steps(name) if "actions/checkout@" in step.get("uses", "")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_read_no_other_secret(name):
    secrets = set(re.findall(r"secrets\.(\w+)", (FOLDER / name).read_text()))
    assert secrets <= SECRETS_OF.get(name, set())


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_command_is_a_target_of_the_makefile(name):
    for step in steps(name):
        if "run" not in step:
            continue
        program, *words = shlex.split(step["run"])
        if name == "release.yml" and program == "gh":
            continue
        assert program == "make"
        targets = [word for word in words if "=" not in word and word != "$TARGET"]
        assert set(targets) <= TARGETS


def test_the_job_that_publishes_checks_nothing_out_and_waits_for_the_build():
    name, job_name = PUBLISHES
    job = jobs(name)[job_name]
    assert not any("checkout" in step.get("uses", "") for step in job["steps"])
    assert job["needs"] == "build"
    assert job["environment"] == "release"


def test_the_parts_of_the_tests_are_targets_and_leave_no_folder_out():
    targets = [target for part in parts() for target in part["target"].split()]
    assert set(targets) == {"train-env", "test-serve", "test-train"}
    tested = [folder for part in parts() for folder in part["folders"].split()]
    assert len(tested) == len(set(tested))
    with_tests = {f"tests/{path.relative_to(ROOT / 'tests').parts[0]}" for path in _tests()}
    assert set(tested) == with_tests - {"tests/train"}


def _tests():
    return (ROOT / "tests").rglob("test_*.py")
