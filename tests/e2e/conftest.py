"""Stacks: one that all tests share which leave it whole, and fresh ones for the others."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.stack import temporary_stack

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
DUMPS = ("reviews.jsonl.gz", "outdoor.csv", "kitchen.tsv", "audio.review")


@pytest.fixture(scope="session")
def stack():
    """A running stack; tests leave it as they found it, but for more reviews."""
    with temporary_stack() as shared:
        yield shared.start()


@pytest.fixture(scope="session")
def samples(stack):
    """The ingest id of each sample, dropped into the bucket and processed to the end."""
    for mapping in SAMPLES.glob("*.mapping.json"):
        stack.put(mapping.name, mapping.read_bytes())
    ids = {name: stack.put(name, (SAMPLES / name).read_bytes()) for name in DUMPS}
    for ingest_id in ids.values():
        stack.wait_for(ingest_id)
    stack.wait_for_index()
    return ids


@pytest.fixture
def new_stack():
    """``new_stack(SETTING="…")``: a stack of the test's own, not started yet."""
    with ExitStack() as cleanup:
        yield lambda **settings: cleanup.enter_context(temporary_stack(**settings))
