"""Model changes under load: no request fails, and no model is paired with another's index."""

import hashlib
import itertools
import json
import subprocess
import threading
from contextlib import contextmanager

import onnx
import pytest

from shared.storage import artefacts, registry
from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import COMMAND, PAUSE_SECONDS, SAMPLES, wait_until
from tests.evaluations import Simulation
from tests.models import model_folder

pytestmark = pytest.mark.slow
CLIENTS = 2
REVIEW = "The lid of the old churn fits badly, and the handle came off in March."


def run(*arguments, expect=0):
    done = subprocess.run(
        [COMMAND, "models", *arguments], capture_output=True, text=True, check=False, timeout=560
    )
    assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def reversed_model(folder, version):
    """The shipped model with the dimensions of its embedding reversed.

    Similarities between texts stay the same, but embeddings of the two models are not comparable:
    a model paired with the index of the other finds nothing similar.
    """
    folder.mkdir()
    graph = onnx.load(model_folder() / "model.onnx")
    manifest = json.loads((model_folder() / "manifest.json").read_text())
    for node in graph.graph.node:
        node.output[:] = ["plain" if name == "embedding" else name for name in node.output]
    order = list(reversed(range(manifest["dimension"])))
    places = onnx.helper.make_tensor("order", onnx.TensorProto.INT64, [len(order)], order)
    graph.graph.initializer.append(places)
    turn = onnx.helper.make_node("Gather", ["plain", "order"], ["embedding"], axis=-1)
    graph.graph.node.append(turn)
    onnx.save(graph, folder / "model.onnx")
    (folder / "tokenizer.json").write_bytes((model_folder() / "tokenizer.json").read_bytes())
    for name in ("model.onnx", "tokenizer.json"):
        body = (folder / name).read_bytes()
        entry = {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
        manifest["files"][name] = entry
    (folder / "manifest.json").write_text(json.dumps(manifest | {"version": version}))
    return folder


class RecordedResponses:
    """The responses to each client, in order."""

    def __init__(self, store):
        self.responses = [[] for _ in range(CLIENTS)]
        self._store = store
        # known indexes now, and new ones as they appear: old versions are deleted later
        indexes = registry.indexes_by_model(store).items()
        self._models = {index: model for model, versions in indexes for index in versions}

    def record(self, responses, status, body, hits):
        index = body.get("index_version")
        if index is not None and index not in self._models:
            manifest = artefacts.read_manifest(self._store, "index", index)
            self._models[index] = manifest.model_version
        best = body[hits][0]["similarity_score"] if body.get(hits) else None
        responses.append((status, body.get("model_version"), index, best))

    def check(self, *, ends_with):
        """Check that all requests succeeded, with matching model and index, and one switch."""
        for responses in self.responses:
            assert {status for status, *_ in responses} == {200}
            for _, model, index, similarity in responses:
                assert self._models[index] == model
                assert similarity > 0.98
            models = [model for _, model, *_ in responses]
            changes = [after for before, after in itertools.pairwise(models) if before != after]
            assert changes == [ends_with]


@contextmanager
def concurrent_clients(stack):
    """Clients that send requests during the block; yields their responses."""
    ended, recorded = threading.Event(), RecordedResponses(stack.artefacts)
    requests = [
        ("/analyze", {"query_text": REVIEW, "top_k": 3}, "similar_reviews"),
        ("/search_similar", {"query_text": REVIEW, "top_k": 5}, "results"),
    ]

    def send(responses):
        with stack.http() as client:
            while not ended.is_set():
                for path, body, hits in requests:
                    response = client.post(path, json=body)
                    recorded.record(responses, response.status_code, response.json(), hits)
                ended.wait(PAUSE_SECONDS)

    threads = [threading.Thread(target=send, args=(responses,)) for responses in recorded.responses]
    for thread in threads:
        thread.start()
    try:
        yield recorded
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def wait_until_served(stack, version):
    def is_served():
        return stack.api.analyze(REVIEW).model_version == version

    wait_until(is_served, what=f"responses from {version}")


@pytest.mark.parametrize("command", ["list", "show", "add", "compare", "activate", "rollback"])
def test_every_command_of_models_has_help_with_an_example(command):
    _, _, example = run(command, "--help").stdout.partition("Example:")
    assert f"reviewlens models {command}" in example


@pytest.mark.timeout(900)
def test_activation_and_rollback_under_load(new_stack, tmp_path):
    stack = new_stack().start()
    line = json.dumps({"reviewText": REVIEW, "overall": 2, "asin": "P1", "reviewerID": "r1"})
    for name, body in {
        "known.jsonl": line.encode(),
        "kitchen.tsv": (SAMPLES / "kitchen.tsv").read_bytes(),
        "audio.review": (SAMPLES / "audio.review").read_bytes(),
    }.items():
        stack.wait_for(stack.put(name, body))
    stack.wait_for_index()
    first = stack.api.health().model_version

    def models(*arguments, expect=0):
        return run(*arguments, "--state", str(stack.folder.root), expect=expect)

    assert "no version before" in models("rollback", expect=2).stderr
    assert "there is no model none" in models("activate", "none", "--force", expect=2).stderr
    candidate = reversed_model(tmp_path / "turned", "turned-1")
    models("add", str(candidate))
    assert "has no evaluation" in models("activate", "turned-1", expect=1).stderr

    simulation = Simulation()
    predictions = simulation.predictions()
    worse = simulation.evaluation(tmp_path / "e0", "turned-0", simulation.predictions(0.85, seed=2))
    models("add", str(reversed_model(tmp_path / "worse", "turned-0")), "--evaluation", str(worse))
    old = simulation.evaluation(tmp_path / "e1", first, predictions)
    models("add", str(model_folder()), "--evaluation", str(old))
    new = simulation.evaluation(tmp_path / "e2", "turned-1", simulation.predictions(seed=3))
    models("add", str(candidate), "--evaluation", str(new))
    assert "does not pass" in models("compare", first, "turned-0", expect=1).stdout
    assert "did not pass the gate" in models("activate", "turned-0", expect=1).stderr
    assert json.loads(models("compare", first, "turned-1", "--json").stdout)["passed"]

    with concurrent_clients(stack) as recorded:
        # arrives while all reviews are being embedded
        late = stack.put("late.json", amazon_2014(60, seed="late").body)
        done = json.loads(models("activate", "turned-1", "--json").stdout)
        assert (done["replaced"], done["shards_left"]) == (first, 0)
        assert done["reviews_scored"] > 0
        wait_until_served(stack, "turned-1")
        stack.wait_for(late)
        stack.wait_for_index()
    recorded.check(ends_with="turned-1")
    stored = stack.count("SELECT count(*) FROM reviews")
    judged = "SELECT count(*) FROM analyses WHERE model_version = %s"
    assert stack.count(judged, "turned-1") == stored
    states = {each["version"]: each["state"] for each in _listed(models)}
    assert states == {first: "earlier", "turned-0": "candidate", "turned-1": "current"}
    shown = models("show", "turned-1").stdout
    assert f"turned-1 passes against {first}" in shown

    stack.wait_for(stack.put("since.json", amazon_2014(40, seed="since").body))
    stack.wait_for_index()
    with concurrent_clients(stack) as recorded:
        back = json.loads(models("rollback", "--json").stdout)
        assert (back["version"], back["replaced"]) == (first, "turned-1")
        assert back["seconds"] < 10
        wait_until_served(stack, first)
        # newer reviews are embedded by the first model again
        stack.wait_for_index()
    recorded.check(ends_with=first)
    stored = stack.count("SELECT count(*) FROM reviews")
    assert stack.count(judged, first) == stored
    assert [
        line["action"] for line in json.loads(models("list", "--json").stdout)["activations"]
    ] == ["found", "activate", "rollback"]


def _listed(models):
    return json.loads(models("list", "--json").stdout)["models"]
