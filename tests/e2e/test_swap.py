"""Models and indexes change, or turn out bad, under the requests of others."""

import itertools
import json
import threading
from contextlib import contextmanager

import pytest

from shared.storage import artefacts
from shared.storage.layout import version_prefix
from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import wait_until

pytestmark = pytest.mark.slow
ASKERS = 3


@contextmanager
def pointing_at(stack, kind, version):
    """The pointer names a version while the block runs, and the one before afterwards."""
    store = stack.artefacts
    before = artefacts.current(store, kind)
    artefacts.move_pointer(store, kind, version, if_match=before.etag)
    try:
        yield
    finally:
        now = artefacts.current(store, kind)
        if now.version == version:
            artefacts.move_pointer(store, kind, before.version, if_match=now.etag)


def publish_copy(stack, kind, version, change):
    """A copy of the current version, but for what ``change(name, body)`` makes of its files."""
    store = stack.artefacts
    current = artefacts.current(store, kind).version
    manifest = artefacts.read_manifest(store, kind, current)
    for name in manifest.files:
        body, _ = store.get(version_prefix(kind, current) + name)
        store.put(version_prefix(kind, version) + name, change(name, body))
    told = json.loads(manifest.model_dump_json()) | {"version": version}
    store.put(version_prefix(kind, version) + artefacts.MANIFEST, json.dumps(told).encode())


def flipped(_name, body):
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 0x40]) + body[middle + 1 :]


def cut(_name, body):
    return body[: len(body) // 2]


def answers_with(stack, index_version):
    found = stack.post("/analyze", {"query_text": "The kettle broke.", "top_k": 3})
    assert found["index_version"] == index_version
    assert len(found["similar_reviews"]) == 3
    assert (
        stack.post("/embeddings", {"texts": ["a tent"]})["model_version"]
        == (found["model_version"])
    )


def wait_for_report(stack, services, check, words):
    """Wait until the named services are degraded, with these words in the check's detail."""

    def told():
        health = stack.get("/health")
        assert health["status"] in {"ok", "degraded"}
        checks = [health["services"][name]["checks"][check] for name in services]
        good = all(c["status"] == "degraded" and words in c["detail"] for c in checks)
        return health if good else None

    return wait_until(told, what=f"{words} in the health of {services}")


def healthy(stack):
    return wait_until(lambda: stack.get("/health")["status"] == "ok", what="good health")


@pytest.mark.parametrize(
    ("change", "words"), [(flipped, "corrupt"), (cut, "another size")], ids=["flipped", "cut"]
)
def test_a_bad_index_is_refused_told_and_healed_by_the_next(stack, samples, change, words):
    version = stack.wait_for_index()
    bad = f"{version}-{change.__name__}"
    publish_copy(stack, "index", bad, change)
    with pointing_at(stack, "index", bad):
        wait_for_report(stack, ["inference", "retrieval"], "index", words)
        answers_with(stack, version)
        # a new dump makes a new index, whatever became of the one before
        seed = f"heal-{change.__name__}"
        stack.wait_for(stack.put(f"{seed}.json", amazon_2014(20, seed=seed).body))
        healed = stack.wait_for_index()
    assert healed not in {version, bad}
    healthy(stack)
    answers_with(stack, healed)


@pytest.mark.parametrize("change", [flipped, cut])
def test_a_bad_model_is_refused_and_told(stack, samples, change):
    version = stack.wait_for_index()
    bad = f"bad-model-{change.__name__}"
    publish_copy(stack, "model", bad, change)
    with pointing_at(stack, "model", bad):
        wait_for_report(stack, ["inference", "retrieval"], "model", bad)
        wait_for_report(stack, ["processing"], "model", f"of {bad} is")
        answers_with(stack, version)
        # what comes meanwhile is processed by the model before it
        ingest_id = stack.put(f"{bad}.json", amazon_2014(15, seed=bad).body)
        stack.wait_for(ingest_id)
    healthy(stack)
    stack.post("/build_index", status=202)
    stack.wait_for_index()


@pytest.mark.timeout(300)
def test_a_bad_index_at_the_start_is_answered_for_by_the_one_before(new_stack):
    stack = new_stack().start()
    stack.wait_for(stack.put("few.json", amazon_2014(15).body))
    version = stack.wait_for_index()
    publish_copy(stack, "index", f"{version}-flipped", flipped)
    pointer = artefacts.current(stack.artefacts, "index")
    artefacts.move_pointer(stack.artefacts, "index", f"{version}-flipped", if_match=pointer.etag)
    stack.kill()
    stack.start()
    found = stack.post("/analyze", {"query_text": "It broke at once, awful."})
    assert found["sentiment"] == "negative"
    assert found["index_version"] == version
    assert found["similar_reviews"]
    wait_for_report(stack, ["inference", "retrieval"], "index", "corrupt")


def test_no_request_fails_while_a_new_index_takes_over(stack, samples):
    version = stack.wait_for_index()
    asked = [
        ("/analyze", {"query_text": "I love this tent.", "top_k": 3}),
        ("/search_similar", {"query_text": "the hinge broke", "top_k": 5}),
        ("/search_similar", {"query_text": "fine", "filters": {"sentiment": "positive"}}),
    ]
    ended = threading.Event()
    answers = [[] for _ in range(ASKERS)]

    def ask(mine):
        with stack.client() as client:
            while not ended.is_set():
                for path, body in asked:
                    answer = client.post(path, json=body)
                    shown = answer.json()
                    hits = shown.get("results") or shown.get("similar_reviews")
                    mine.append((answer.status_code, bool(hits), shown.get("index_version")))

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in answers]
    for thread in threads:
        thread.start()
    try:
        stack.wait_for(stack.put("swap.json", amazon_2014(150, seed="swap").body))
        new = stack.wait_for_index()
        marks = [len(mine) for mine in answers]
        wait_until(
            lambda: all(
                len(mine) > mark + len(asked) for mine, mark in zip(answers, marks, strict=True)
            ),
            what="answers from the new index",
        )
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert new != version
    for mine in answers:
        assert {(status, hits) for status, hits, _ in mine} == {(200, True)}
        versions = [found for _, _, found in mine]
        assert versions[0] == version
        assert versions[-1] == new
        changed = [a for a, b in itertools.pairwise(versions) if a != b]
        assert len(changed) == len(set(changed)), "an answer came from an older index again"
