"""A newer shipped model on an existing folder: all reviews remain searchable throughout."""

import json
from datetime import UTC, datetime

import pytest

from tests.e2e.stack import SAMPLES, wait_until
from tests.models import renamed_model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_newer_shipped_model_embeds_all_reviews_before_it_serves(new_stack, tmp_path):
    stack = new_stack().start()
    for name in ("kitchen.tsv", "audio.review"):
        stack.wait_for(stack.put(name, (SAMPLES / name).read_bytes()))
    stack.wait_for_index()
    before = stack.api.health().model_version
    stored = stack.count("SELECT count(*) FROM reviews")
    stack.stop()

    newer = renamed_model(tmp_path / "model", f"{before.rpartition('-')[0]}-00000000")
    manifest = json.loads((newer / "manifest.json").read_text())
    manifest["created_at"] = datetime.now(UTC).isoformat()
    (newer / "manifest.json").write_text(json.dumps(manifest))
    stack.start("--model", str(newer))

    def served_by_the_newer():
        response = stack.api.search("battery", top_k=50)
        assert len(response.results) == 50, "all reviews must be searchable at any time"
        return response.model_version == manifest["version"]

    wait_until(served_by_the_newer, what="an index of the newer model", every=0.25)
    stack.wait_for_index()
    judged = "SELECT count(*) FROM analyses WHERE model_version = %s"
    assert stack.count(judged, manifest["version"]) == stored
