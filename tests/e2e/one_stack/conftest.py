"""One stack for all tests of this folder, which do not damage it; it stops after the last one."""

import json
import subprocess

import pytest

from tests.e2e.stack import COMMAND, SAMPLES, temporary_stack

DUMPS = ("reviews.jsonl.gz", "outdoor.csv", "kitchen.tsv", "audio.review")


@pytest.fixture(scope="package")
def stack():
    """A running stack; tests may add reviews but must not change it otherwise."""
    with temporary_stack() as shared:
        yield shared.start()
        shared.stop()


@pytest.fixture(scope="package")
def samples(stack):
    """The ingest ids of the samples, uploaded to the bucket and fully processed."""
    for mapping in SAMPLES.glob("*.mapping.json"):
        stack.put(mapping.name, mapping.read_bytes())
    ids = {name: stack.put(name, (SAMPLES / name).read_bytes()) for name in DUMPS}
    for ingest_id in ids.values():
        stack.wait_for(ingest_id)
    stack.wait_for_index()
    return ids


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="module")
def client(stack, samples):
    """An HTTP client of the stack, with the samples in it."""
    with stack.http() as http_client:
        yield http_client
