"""Changes to new or corrupt models and indexes under load."""

import itertools
import json
import threading
from contextlib import contextmanager

import pytest

from shared.storage import artefacts
from shared.storage.layout import version_prefix
from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import PAUSE_SECONDS, wait_until

pytestmark = pytest.mark.slow
CLIENTS = 3


@contextmanager
def pointing_at(stack, kind, version):
    """Point to a version during the block, and to the previous one afterwards."""
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
    """Publish a copy of the current version, with files modified by ``change(name, body)``."""
    store = stack.artefacts
    current = artefacts.current(store, kind).version
    manifest = artefacts.read_manifest(store, kind, current)
    for name in manifest.files:
        body, _ = store.get(version_prefix(kind, current) + name)
        store.put(version_prefix(kind, version) + name, change(name, body))
    changed = json.loads(manifest.model_dump_json()) | {"version": version}
    store.put(version_prefix(kind, version) + artefacts.MANIFEST, json.dumps(changed).encode())


def flip_bit(_name, body):
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 0x40]) + body[middle + 1 :]


def truncate(_name, body):
    return body[: len(body) // 2]


def assert_served(stack, index_version):
    analysis = stack.api.analyze("The kettle broke.", top_k=3)
    assert analysis.index_version == index_version
    assert len(analysis.similar_reviews) == 3
    assert stack.api.embeddings(["a tent"]).model_version == analysis.model_version


def wait_until_degraded(stack, services, check, message):
    """Wait until the services are degraded, with this message in the check's detail."""

    def degraded_health():
        health = stack.api.health()
        assert health.status in {"ok", "degraded"}
        checks = [health.services[name].checks[check] for name in services]
        is_degraded = all(c.status == "degraded" and message in c.detail for c in checks)
        return health if is_degraded else None

    return wait_until(degraded_health, what=f"{message} in the health of {services}")


def wait_until_healthy(stack):
    return wait_until(lambda: stack.api.health().status == "ok", what="health to be ok", every=0.25)


@pytest.mark.parametrize(
    ("change", "message"),
    [(flip_bit, "corrupt"), (truncate, "another size")],
    ids=["flipped", "truncated"],
)
def test_a_corrupt_index_is_reported_and_replaced_by_the_next(stack, samples, change, message):
    version = stack.wait_for_index()
    bad = f"{version}-{change.__name__}"
    publish_copy(stack, "index", bad, change)
    with pointing_at(stack, "index", bad):
        wait_until_degraded(stack, ["inference", "retrieval"], "index", message)
        assert_served(stack, version)
        # a new dump leads to a new index even if the last one is corrupt
        seed = f"heal-{change.__name__}"
        stack.wait_for(stack.put(f"{seed}.json", amazon_2014(20, seed=seed).body))
        healed = stack.wait_for_index()
    assert healed not in {version, bad}
    wait_until_healthy(stack)
    assert_served(stack, healed)


@pytest.mark.parametrize("change", [flip_bit, truncate])
def test_a_corrupt_model_is_reported_and_not_used(stack, samples, change):
    version = stack.wait_for_index()
    bad = f"bad-model-{change.__name__}"
    publish_copy(stack, "model", bad, change)
    with pointing_at(stack, "model", bad):
        wait_until_degraded(stack, ["inference", "retrieval"], "model", bad)
        wait_until_degraded(stack, ["processing"], "model", f"of {bad} is")
        assert_served(stack, version)
        # new reviews are processed with the previous model
        ingest_id = stack.put(f"{bad}.json", amazon_2014(15, seed=bad).body)
        stack.wait_for(ingest_id)
    wait_until_healthy(stack)
    stack.api.build_index()
    stack.wait_for_index()


def test_no_request_fails_during_a_switch_to_a_new_index(stack, samples):
    version = stack.wait_for_index()
    requests = [
        ("/analyze", {"query_text": "I love this tent.", "top_k": 3}),
        ("/search_similar", {"query_text": "the hinge broke", "top_k": 5}),
        ("/search_similar", {"query_text": "fine", "filters": {"sentiment": "positive"}}),
    ]
    ended = threading.Event()
    responses = [[] for _ in range(CLIENTS)]

    def send(own):
        with stack.http() as client:
            while not ended.is_set():
                for path, body in requests:
                    response = client.post(path, json=body)
                    result = response.json()
                    hits = result.get("results") or result.get("similar_reviews")
                    own.append((response.status_code, bool(hits), result.get("index_version")))
                ended.wait(PAUSE_SECONDS)

    threads = [threading.Thread(target=send, args=(own,)) for own in responses]
    for thread in threads:
        thread.start()
    try:
        stack.wait_for(stack.put("swap.json", amazon_2014(150, seed="swap").body))
        new = stack.wait_for_index()
        marks = [len(own) for own in responses]
        wait_until(
            lambda: all(
                len(own) > mark + len(requests) for own, mark in zip(responses, marks, strict=True)
            ),
            what="responses from the new index",
        )
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert new != version
    for own in responses:
        assert {(status, hits) for status, hits, _ in own} == {(200, True)}
        versions = [index for _, _, index in own]
        assert versions[0] == version
        assert versions[-1] == new
        changed = [a for a, b in itertools.pairwise(versions) if a != b]
        assert len(changed) == len(set(changed)), "a response came from an older index again"
