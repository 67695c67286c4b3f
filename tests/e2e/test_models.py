"""Models change under the requests of others: nothing fails, nothing is lost, nothing is mixed."""

import hashlib
import itertools
import json
import subprocess
import threading
from contextlib import contextmanager

import onnx
import pytest

from shared.storage import artefacts, registry
from tests.e2e.conftest import SAMPLES
from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import COMMAND, wait_until
from tests.evaluations import Simulation
from tests.models import model_folder

pytestmark = pytest.mark.slow
ASKERS = 2
KNOWN = "The lid of the old churn fits badly, and the handle came off in March."


def run(*arguments, expect=0):
    done = subprocess.run(
        [COMMAND, "models", *arguments], capture_output=True, text=True, check=False, timeout=170
    )
    assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def turned_model(folder, version):
    """The shipped model with the places of its embedding in another order.

    Texts are as near to one another as before, and as far as can be from what the shipped one makes
    of them: whoever pairs a model with the other's index finds nothing.
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
        told = {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
        manifest["files"][name] = told
    (folder / "manifest.json").write_text(json.dumps(manifest | {"version": version}))
    return folder


class Asked:
    """What the askers saw: for each of them its predictions in their order."""

    def __init__(self, store):
        self.predictions = [[] for _ in range(ASKERS)]
        self._store = store
        # now, and new ones when they are seen: old versions are deleted after a while
        indexes = registry.indexes_of(store).items()
        self._models = {index: model for model, found in indexes for index in found}

    def note(self, mine, status, shown, hits):
        index = shown.get("index_version")
        if index is not None and index not in self._models:
            manifest = artefacts.read_manifest(self._store, "index", index)
            self._models[index] = manifest.model_version
        best = shown[hits][0]["similarity_score"] if shown.get(hits) else None
        mine.append((status, shown.get("model_version"), index, best))

    def check(self, *, ends_with):
        """Every request was answered, from a model and its own index, and the switch was one."""
        for mine in self.predictions:
            assert {status for status, *_ in mine} == {200}
            for _, model, index, similarity in mine:
                assert self._models[index] == model
                assert similarity > 0.98
            models = [model for _, model, *_ in mine]
            changes = [after for before, after in itertools.pairwise(models) if before != after]
            assert changes == [ends_with]


@contextmanager
def askers(stack):
    """Visitors who go on asking while the block runs."""
    ended, seen = threading.Event(), Asked(stack.artefacts)
    asked = [
        ("/analyze", {"query_text": KNOWN, "top_k": 3}, "similar_reviews"),
        ("/search_similar", {"query_text": KNOWN, "top_k": 5}, "results"),
    ]

    def ask(mine):
        with stack.client() as client:
            while not ended.is_set():
                for path, body, hits in asked:
                    answer = client.post(path, json=body)
                    seen.note(mine, answer.status_code, answer.json(), hits)

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in seen.predictions]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def served_by(stack, version):
    def answered():
        return stack.post("/analyze", {"query_text": KNOWN})["model_version"] == version

    wait_until(answered, what=f"predictions of {version}")


@pytest.mark.parametrize("command", ["list", "show", "add", "compare", "activate", "rollback"])
def test_every_command_of_models_has_help_with_an_example(command):
    _, _, example = run(command, "--help").stdout.partition("Example:")
    assert f"reviewlens models {command}" in example


@pytest.mark.timeout(420)
def test_a_second_model_takes_over_and_gives_way_again_under_requests(new_stack, tmp_path):
    stack = new_stack().start()
    line = json.dumps({"reviewText": KNOWN, "overall": 2, "asin": "P1", "reviewerID": "r1"})
    for name, body in {
        "known.jsonl": line.encode(),
        "kitchen.tsv": (SAMPLES / "kitchen.tsv").read_bytes(),
        "audio.review": (SAMPLES / "audio.review").read_bytes(),
    }.items():
        stack.wait_for(stack.put(name, body))
    stack.wait_for_index()
    first = stack.get("/health")["model_version"]

    def models(*arguments, expect=0):
        return run(*arguments, "--state", str(stack.folder.root), expect=expect)

    assert "no version before" in models("rollback", expect=2).stderr
    assert "there is no model none" in models("activate", "none", "--force", expect=2).stderr
    turned = turned_model(tmp_path / "turned", "turned-1")
    models("add", str(turned))
    assert "has no evaluation" in models("activate", "turned-1", expect=1).stderr

    simulation = Simulation()
    predictions = simulation.predictions()
    worse = simulation.evaluation(tmp_path / "e0", "turned-0", simulation.predictions(0.85, seed=2))
    models("add", str(turned_model(tmp_path / "worse", "turned-0")), "--evaluation", str(worse))
    old = simulation.evaluation(tmp_path / "e1", first, predictions)
    models("add", str(model_folder()), "--evaluation", str(old))
    new = simulation.evaluation(tmp_path / "e2", "turned-1", simulation.predictions(seed=3))
    models("add", str(turned), "--evaluation", str(new))
    assert "does not pass" in models("compare", first, "turned-0", expect=1).stdout
    assert "did not pass the gate" in models("activate", "turned-0", expect=1).stderr
    assert json.loads(models("compare", first, "turned-1", "--json").stdout)["passed"]

    with askers(stack) as seen:
        # these come while everything is embedded anew
        late = stack.put("late.json", amazon_2014(60, seed="late").body)
        done = json.loads(models("activate", "turned-1", "--json").stdout)
        assert (done["replaced"], done["shards_left"]) == (first, 0)
        assert done["reviews_scored"] > 0
        served_by(stack, "turned-1")
        stack.wait_for(late)
        stack.wait_for_index()
    seen.check(ends_with="turned-1")
    stored = stack.count("SELECT count(*) FROM reviews")
    judged = "SELECT count(*) FROM analyses WHERE model_version = %s"
    assert stack.count(judged, "turned-1") == stored
    states = {each["version"]: each["state"] for each in _listed(models)}
    assert states == {first: "earlier", "turned-0": "candidate", "turned-1": "current"}
    shown = models("show", "turned-1").stdout
    assert f"turned-1 passes against {first}" in shown

    stack.wait_for(stack.put("since.json", amazon_2014(40, seed="since").body))
    stack.wait_for_index()
    with askers(stack) as seen:
        back = json.loads(models("rollback", "--json").stdout)
        assert (back["version"], back["replaced"]) == (first, "turned-1")
        assert back["seconds"] < 10
        served_by(stack, first)
        # what came since is embedded by the first model again
        stack.wait_for_index()
    seen.check(ends_with=first)
    stored = stack.count("SELECT count(*) FROM reviews")
    assert stack.count(judged, first) == stored
    assert [
        line["action"] for line in json.loads(models("list", "--json").stdout)["activations"]
    ] == ["found", "activate", "rollback"]


def _listed(models):
    return json.loads(models("list", "--json").stdout)["models"]
