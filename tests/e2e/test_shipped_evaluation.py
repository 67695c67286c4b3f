"""A stack whose shipped model has an evaluation can compare the first candidate immediately."""

import json
import shutil
import subprocess

import pytest

from tests.e2e.stack import COMMAND
from tests.evaluations import Simulation
from tests.models import model_folder, renamed_model

pytestmark = pytest.mark.slow


def test_a_candidate_needs_an_evaluation_on_the_same_rows_to_become_current(new_stack, tmp_path):
    simulation = Simulation()
    shipped = tmp_path / "shipped"
    shutil.copytree(model_folder(), shipped, ignore=shutil.ignore_patterns("evaluation"))
    version = json.loads((shipped / "manifest.json").read_text())["version"]
    simulation.evaluation(shipped / "evaluation", version, simulation.predictions())
    stack = new_stack().start("--model", str(shipped))

    def models(*arguments, expect=0):
        command = [COMMAND, "models", *map(str, arguments), "--state", str(stack.folder.root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=560)
        assert done.returncode == expect, done.stdout + done.stderr
        return done

    (listed,) = json.loads(models("list", "--json").stdout)["models"]
    assert (listed["version"], listed["state"], listed["evaluated"]) == (version, "current", True)
    candidate = renamed_model(tmp_path / "candidate", "copy-1")
    few = simulation.evaluation(
        tmp_path / "few", "copy-1", simulation.predictions(seed=3), rows=5000
    )
    models("add", candidate, "--evaluation", few)
    error = models("activate", "copy-1", expect=1).stderr
    assert f"{version} on phones (3,000 rows), test (3,000 rows)" in " ".join(error.split())
    same = simulation.evaluation(tmp_path / "same", "copy-1", simulation.predictions(seed=3))
    models("add", candidate, "--evaluation", same)
    done = json.loads(models("activate", "copy-1", "--json").stdout)
    assert (done["version"], done["replaced"]) == ("copy-1", version)
    broken = simulation.evaluation(tmp_path / "broken", "copy-1", simulation.predictions())
    (broken / "predictions.parquet").write_bytes(b"PAR1")
    assert "cannot be read" in models("add", candidate, "--evaluation", broken, expect=2).stderr
