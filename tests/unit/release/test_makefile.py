"""The target check-types, with a mypy that ends as it is told."""

import subprocess

import pytest

from cdk.paths import ROOT

MYPY = """#!/bin/sh
echo "$*" >> {calls}
case "$*" in *--num-workers*) exit {parallel} ;; esac
exit {alone}
"""


@pytest.mark.parametrize(
    ("parallel", "alone", "calls", "passes"),
    [
        (0, 1, ["--num-workers auto"], True),
        (1, 0, ["--num-workers auto"], False),
        (2, 0, ["--num-workers auto", ""], True),
        (2, 1, ["--num-workers auto", ""], False),
    ],
    ids=["right", "wrong types", "crash", "crash and wrong types"],
)
def test_types_are_checked_in_one_process_if_workers_do_not_start(
    tmp_path, parallel, alone, calls, passes
):
    noted = tmp_path / "calls"
    (tmp_path / "mypy").write_text(MYPY.format(calls=noted, parallel=parallel, alone=alone))
    (tmp_path / "mypy").chmod(0o755)
    for stamp in (".runtime", ".dev"):
        (tmp_path / stamp).touch()
    done = subprocess.run(
        ["make", "check-types", f"VENV={tmp_path}", f"BIN={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert noted.read_text().splitlines() == calls, done.stderr
    assert (done.returncode == 0) is passes
