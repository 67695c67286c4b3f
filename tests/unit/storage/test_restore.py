"""Damaged models come back from intact copies, and lost pointers from what shows the version."""

import pytest

from shared.storage import artefacts, layout, quarantine, registry, verify
from shared.storage.likely import likely_models, was_current
from shared.storage.restore import restore_pointer, restore_version
from tests.fakes.objects import MemoryStore
from tests.models import stub_model

KEY = layout.pointer_key("model")


@pytest.fixture
def store():
    return MemoryStore("artefacts")


@pytest.fixture
def publish(store, tmp_path):
    """``publish("m1", day=1)``: publish a model; returns its folder."""

    def make(version, *, day=0, current=False):
        folder = stub_model(tmp_path, version, day=day)
        registry.register(store, folder)
        if current:
            pointer = artefacts.current(store, "model")
            etag = pointer.etag if pointer else None
            artefacts.move_pointer(store, "model", version, if_match=etag)
        return folder

    return make


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
@pytest.mark.parametrize("body", [b"", b"damaged", None])
def test_a_damaged_model_is_written_again_from_a_copy(store, publish, name, body):
    folder = publish("m1", current=True)
    key = f"models/m1/{name}"
    store.delete(key) if body is None else store.put(key, body)
    assert restore_version(store, "model", folder)
    assert verify.check_version(store, "model", "m1") == []
    (record,) = quarantine.open_records(store)
    assert record.key == key
    assert (record.copy_key is None) == (body is None)
    if body is not None:
        assert store.get(record.copy_key)[0] == body


def test_a_model_that_lost_all_objects_is_published_again(store, publish):
    folder = publish("m1", current=True)
    for name in ("model.onnx", "manifest.json"):
        store.delete(f"models/m1/{name}")
    assert restore_version(store, "model", folder)
    assert verify.check_version(store, "model", "m1") == []


def test_a_copy_that_is_damaged_or_of_other_content_restores_nothing(store, publish, tmp_path):
    folder = publish("m1", current=True)
    store.put("models/m1/model.onnx", b"damaged")
    (tmp_path / "other").mkdir()
    other = stub_model(tmp_path / "other", "m1", body=b"other content")
    assert not restore_version(store, "model", other)
    (folder / "model.onnx").write_bytes(b"m2")
    assert not restore_version(store, "model", folder)
    assert not restore_version(store, "model", tmp_path / "nothing")
    assert store.get("models/m1/model.onnx")[0] == b"damaged"


def test_a_model_that_was_never_published_is_not_restored(store, tmp_path):
    assert not restore_version(store, "model", stub_model(tmp_path, "m1"))
    assert list(store.list("")) == []


@pytest.mark.parametrize("body", [b"", b"no json", None])
def test_a_lost_pointer_names_the_last_activated_model_again(store, publish, body):
    publish("m1")
    publish("m3", day=9)  # a candidate
    publish("m2", day=1, current=True)
    registry.record_activation(store, "m2")
    store.delete(KEY) if body is None else store.put(KEY, body)
    damage = verify.check_pointer(store, "model")
    assert restore_pointer(store, "model", damage) == "m2"
    assert artefacts.current(store, "model").version == "m2"
    (record,) = quarantine.open_records(store)
    assert (record.key, record.action) == (KEY, "the pointer names model m2")


def test_a_damaged_model_gives_way_to_the_newest_intact_one(store, publish):
    publish("m1", day=1)
    publish("m2", day=2, current=True)
    store.put("models/m2/model.onnx", b"damaged")
    (damage,) = verify.check_version(store, "model", "m2")
    assert restore_pointer(store, "model", damage, last_model="m2") == "m1"


def test_without_an_intact_model_the_pointer_stays(store, publish):
    publish("m1", current=True)
    pointer = store.get(KEY)[0]
    store.put("models/m1/model.onnx", b"damaged")
    (damage,) = verify.check_version(store, "model", "m1")
    assert restore_pointer(store, "model", damage) is None
    assert store.get(KEY)[0] == pointer
    assert "publish one" in quarantine.open_records(store)[0].action


def test_the_ledger_decides_where_the_log_says_nothing(store, publish):
    publish("m1")
    publish("m2", day=1)
    assert likely_models(store) == ["m2", "m1"]
    assert likely_models(store, "m1") == ["m1", "m2"]
    assert not was_current(store)
    assert was_current(store, "m1")


def test_a_lost_entry_of_the_log_is_skipped_by_a_rollback(store, publish):
    for day, version in enumerate(("m1", "m2", "m3")):
        publish(version, day=day, current=True)
        registry.record_activation(store, version)
    store.delete(f"{layout.ACTIVATIONS}00000002.json")
    target = registry.rollback_target(registry.history(store), "m3")
    assert target.version == "m1"
