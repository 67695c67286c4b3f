"""The README's way from rated reviews to an adapted model that is current."""

import json
import subprocess

import pytest

from shared.storage import registry
from tests.e2e.stack import COMMAND
from tests.functional.adapt.test_command import MEALS, reviews

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def dump(tmp_path):
    lines = [json.dumps({"text": text, "rating": stars}) for text, stars in reviews(MEALS[:6])]
    (tmp_path / "own.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path / "own.jsonl"


def test_an_adapted_model_is_registered_evaluated_and_activated(new_stack, dump, tmp_path):
    stack = new_stack().start()
    stack.wait_for(stack.put("own.jsonl", dump.read_bytes()))
    stack.wait_for_index()

    def run(*arguments):
        command = [COMMAND, *map(str, arguments), "--state", str(stack.folder.root), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    shipped = stack.api.health().model_version
    result = run("adapt", dump.name, "--output", "adapted/", "--no-register")
    assert run("models", "add", "adapted/")["state"] == "candidate"
    report = run("models", "activate", result["version"])
    assert (report["version"], report["replaced"]) == (result["version"], shipped)
    assert run("models", "rollback")["version"] == shipped
    again = run("adapt", dump.name, "--output", "again/", "--activate")
    assert again["activation"]["version"] == again["version"] == result["version"]
    assert registry.describe(stack.artefacts, result["version"]).gate.passed
