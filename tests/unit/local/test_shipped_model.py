"""The shipped model becomes current where none is, and never takes a trained one's place."""

import pytest

from local.errors import LocalStackError
from local.shipped_model import check_folder, publish_into
from shared.errors import ArtefactError, ConflictError
from shared.storage.artefacts import current, move_pointer, publish, read_folder, read_manifest
from tests.fakes.objects import MemoryStore


@pytest.fixture
def store():
    return MemoryStore()


def activate(store, folder):
    """What a training job does with its model."""
    manifest = read_folder(folder, kind="model").manifest
    publish(store, folder, manifest)
    now = current(store, "model")
    move_pointer(store, "model", manifest.version, if_match=now and now.etag)


def version_of(store):
    return current(store, "model").version


def test_the_first_model_becomes_current(store, model):
    publish_into(store, model("shipped-1-aaaa"))
    assert version_of(store) == "shipped-1-aaaa"
    assert read_manifest(store, "model", "shipped-1-aaaa").dimension == 2


def test_publishing_again_changes_nothing(store, model):
    folder = model("shipped-1-aaaa")
    publish_into(store, folder)
    before = current(store, "model")
    publish_into(store, folder)
    assert current(store, "model") == before


def test_a_newer_shipped_model_takes_an_older_ones_place(store, model):
    publish_into(store, model("shipped-1-aaaa", day=1))
    publish_into(store, model("shipped-1-bbbb", day=2))
    assert version_of(store) == "shipped-1-bbbb"


@pytest.mark.parametrize("day", [0, 1])
def test_one_that_is_not_newer_does_not(store, model, day):
    publish_into(store, model("shipped-1-aaaa", day=1))
    publish_into(store, model("shipped-1-bbbb", day=day))
    assert version_of(store) == "shipped-1-aaaa"
    assert read_manifest(store, "model", "shipped-1-bbbb")


@pytest.mark.parametrize("trained", ["mine-1-cccc", "shipped-2-cccc", "shipped-1", "cccc"])
def test_a_trained_model_stays_current(store, model, trained):
    activate(store, model(trained, day=0))
    publish_into(store, model("shipped-1-aaaa", day=9))
    assert version_of(store) == trained
    assert read_manifest(store, "model", "shipped-1-aaaa")


def test_files_that_are_not_what_the_manifest_says_are_refused(store, model):
    folder = model("shipped-1-aaaa")
    (folder / "model.onnx").write_bytes(b"other content ")
    with pytest.raises(ArtefactError):
        publish_into(store, folder)
    assert current(store, "model") is None
    assert list(store.list("")) == []


def test_a_folder_of_another_kind_is_refused(store, model, tmp_path):
    with pytest.raises(ArtefactError):
        publish_into(store, model("index-1-aaaa", kind="index"))
    with pytest.raises(ArtefactError):
        publish_into(store, tmp_path / "nowhere")


def test_another_model_under_a_known_version_is_refused(store, model, tmp_path):
    publish_into(store, model("shipped-1-aaaa").rename(tmp_path / "first"))
    with pytest.raises(ConflictError):
        publish_into(store, model("shipped-1-aaaa", body=b"other"))


def test_a_folder_that_holds_its_model_passes(model):
    check_folder(model("shipped-1-aaaa"))


@pytest.mark.parametrize("fault", ["nowhere", "no folder", "no manifest", "corrupt", "index"])
def test_a_folder_that_does_not_is_the_users_mistake(model, tmp_path, fault):
    folder = model("shipped-1-aaaa", kind="index" if fault == "index" else "model")
    if fault == "nowhere":
        folder = tmp_path / "nowhere"
    elif fault == "no folder":
        folder = folder / "model.onnx"
    elif fault == "no manifest":
        (folder / "manifest.json").unlink()
    elif fault == "corrupt":
        (folder / "model.onnx").write_bytes(b"other content ")
    with pytest.raises(LocalStackError, match=f"{folder}.*cannot be used: ") as caught:
        check_folder(folder)
    assert caught.value.exit_code == 2
