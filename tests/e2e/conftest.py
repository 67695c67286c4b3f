"""Stacks: one shared by tests that do not damage it, and new ones for the others."""

import json
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.stack import COMMAND, temporary_stack

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
DUMPS = ("reviews.jsonl.gz", "outdoor.csv", "kitchen.tsv", "audio.review")


@pytest.fixture(scope="session")
def stack():
    """A running stack; tests may add reviews but must not change it otherwise."""
    with temporary_stack() as shared:
        yield shared.start()
        shared.stop()


@pytest.fixture(scope="session")
def samples(stack):
    """The ingest ids of the samples, uploaded to the bucket and fully processed."""
    for mapping in SAMPLES.glob("*.mapping.json"):
        stack.put(mapping.name, mapping.read_bytes())
    ids = {name: stack.put(name, (SAMPLES / name).read_bytes()) for name in DUMPS}
    for ingest_id in ids.values():
        stack.wait_for(ingest_id)
    stack.wait_for_index()
    return ids


@pytest.fixture(scope="session")
def backup(stack, samples, tmp_path_factory):
    """The folder of a backup made by the command while the stack runs."""
    folder = tmp_path_factory.mktemp("backup") / "one"
    command = [COMMAND, "backup", str(folder), "--state", str(stack.folder.root), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    manifest = json.loads(done.stdout)
    assert len(manifest["searches"]) == 50
    assert manifest["left_out"] == []
    return folder


@pytest.fixture
def new_stack():
    """``new_stack(SETTING="…")``: a stack for one test, not started yet."""
    with ExitStack() as cleanup:
        yield lambda **settings: cleanup.enter_context(temporary_stack(**settings))
