"""The audit distinguishes clean, vulnerable and unchecked versions."""

import json
import sys

import pytest

from scripts.release import audit

CLEAN = {"name": "a", "version": "1", "vulns": []}
VULNERABLE = {
    "name": "b", "version": "2",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3", "4"]}, {"id": "PYSEC-2", "fix_versions": []}],
}  # fmt: skip
UNKNOWN = {"name": "c", "skip_reason": "not found"}
FEED = "ERROR:pip_audit._cli:Could not connect to the vulnerability feed\nERROR:Tip: try another\n"
TRACEBACK = "Traceback …\npip_audit._service.interface.ServiceError\n"


@pytest.fixture
def run(tmp_path, capsys):
    """Audits files with a program that prints what is given for each file."""

    def run(**reports):
        files = []
        for name, (status, stdout, stderr) in reports.items():
            files.append(tmp_path / f"{name}.txt")
            files[-1].write_text(json.dumps([status, stdout, stderr]))
        program = tmp_path / "pip-audit"
        program.write_text(
            f"#!{sys.executable}\nimport json, sys\nassert '--no-deps' in sys.argv\n"
            "path = sys.argv[sys.argv.index('--requirement') + 1]\n"
            "status, stdout, stderr = json.load(open(path))\n"
            "print(stdout, end=''); print(stderr, end='', file=sys.stderr); sys.exit(status)\n"
        )
        program.chmod(0o755)
        status = audit.main([*map(str, files), "--pip-audit", str(program)])
        return status, capsys.readouterr().out.splitlines()

    return run


def report(*dependencies, status=0):
    return status, json.dumps({"dependencies": dependencies, "fixes": []}), "a summary"


def test_versions_without_known_vulnerabilities_are_clean(run):
    assert run(one=report(CLEAN)) == (0, ["one.txt: no known vulnerabilities in 1 packages"])


def test_each_vulnerability_is_listed_with_the_versions_that_fix_it(run):
    assert run(one=report(CLEAN, VULNERABLE, status=1)) == (
        1,
        ["one.txt: b 2: PYSEC-1, fixed in 3, 4", "one.txt: b 2: PYSEC-2, fixed in no version"],
    )


@pytest.mark.parametrize("stderr", [FEED, TRACEBACK], ids=["no connection", "no answer"])
def test_a_service_that_cannot_be_reached_checks_nothing(run, stderr):
    line = "one.txt: not checked: the vulnerability service cannot be reached"
    assert run(one=(1, "", stderr)) == (3, [line])


def test_versions_that_the_service_does_not_know_are_not_clean(run):
    status, (line,) = run(one=report(CLEAN, UNKNOWN))
    assert status == 3
    assert line.endswith("not checked: the vulnerability service does not know 1 of 2 packages (c)")


def test_a_failure_of_the_program_is_neither_clean_nor_a_finding(run):
    line = "one.txt: pip-audit failed: usage: unknown option"
    assert run(one=(2, "", "first\nusage: unknown option\n")) == (2, [line])
    assert run(one=(0, "", "")) == (2, ["one.txt: pip-audit failed: no message"])


def test_a_missing_program_is_named(tmp_path, capsys):
    assert audit.main([str(tmp_path / "one.txt"), "--pip-audit", "/no/such/program"]) == 2
    assert "/no/such/program cannot be run: No such file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("second", "status"),
    [(report(VULNERABLE, status=1), 1), ((2, "", "wrong"), 2), (report(CLEAN), 3)],
    ids=["vulnerable", "failed", "clean"],
)
def test_the_worst_result_of_all_files_is_the_status(run, second, status):
    assert run(one=(1, "", FEED), two=second)[0] == status
